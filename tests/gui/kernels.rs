//! The window finds each kernel where the picture of the grid has it.

use alexnet_lab::gui::widgets::KernelGrid;
use alexnet_lab::vis::Scale;

use super::rig::stepped_grid;

#[test]
fn every_kernel_is_found_in_the_picture() {
    for (kernels, side, columns) in [(96, 11, 2), (32, 5, 1), (48, 7, 2), (3, 4, 1), (5, 3, 2), (17, 1, 1)] {
        let filters = stepped_grid(kernels, side, columns);
        let picture = filters.picture(Scale::Column);
        let grid = KernelGrid::of(&filters);
        for kernel in 0..kernels {
            let [left, top] = grid.corner(kernel);
            let [right, bottom] = [left + side - 1, top + side - 1];
            let case = format!("kernel {kernel} of {kernels}x{side} in {columns}");
            assert!(right < picture.width() as usize && bottom < picture.height() as usize, "{case}");
            let corners = [(left, top), (right, top), (left, bottom), (right, bottom)];
            let shades = corners.map(|(x, y)| picture.get_pixel(x as u32, y as u32).0);
            assert!(shades.iter().all(|shade| *shade == shades[0]), "{case}: {shades:?}");
            if columns == 1 {
                let expected = (kernel as f32 / (kernels - 1) as f32 * 255.0).round() as u8;
                assert_eq!(shades[0], [expected; 3], "{case}");
            }
            for (x, y) in corners {
                assert_eq!(grid.at(x as f32 + 0.5, y as f32 + 0.5), Some(kernel), "{case}");
            }
        }
        assert_eq!(grid.at(0.5, 0.5), None, "the line around the kernels");
        assert_eq!(grid.at(1e9, 1e9), None);
    }
}
