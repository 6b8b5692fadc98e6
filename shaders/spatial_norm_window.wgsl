
// What the three shaders of response normalisation over a window of the same map have in common, put behind
// each of them: their sizes, the power, and the window of a pixel. Pixels outside the map count as 0.

struct Params {
    threads: u32,
    row: u32, // threads in one row of workgroups
    height: u32,
    width: u32,
    radius: u32, // pixels of the window on each side of its centre
    alpha: f32,
    beta: f32,
    k: f32,
    two_alpha_beta: f32, // for the backward pass
}

// The pixels of a window inside its map, the ends left out.
struct Window {
    map: u32, // first pixel of the map
    y0: u32,
    x0: u32,
    y1: u32,
    x1: u32,
}

// s to the power -beta.
fn inverse_power(s: f32) -> f32 {
    return {{ inverse_power }};
}

// The window whose centre is the pixel of this thread.
fn window_of(thread: u32) -> Window {
    let column = thread % params.width;
    let line = (thread / params.width) % params.height;
    return Window(
        thread - line * params.width - column,
        line - min(line, params.radius),
        column - min(column, params.radius),
        min(line + params.radius + 1u, params.height),
        min(column + params.radius + 1u, params.width),
    );
}

// k + alpha * sum of the squares in the window: S of the pixel in its centre.
fn scale(window: Window) -> f32 {
    var squares = 0.0;
    for (var iy = window.y0; iy < window.y1; iy++) {
        for (var ix = window.x0; ix < window.x1; ix++) {
            let value = x[window.map + iy * params.width + ix];
            squares += value * value;
        }
    }
    return params.k + params.alpha * squares;
}
