//! Servers that send something else, something more, something less, or nothing.

use std::fs;
use std::time::{Duration, Instant};

use super::{Rig, content, md5_of};
use crate::web::{Answer, Web};

#[test]
fn a_server_that_ignores_ranges_sends_all_of_it_again() {
    let bytes = content(100_000, 1);
    let served = bytes.clone();
    let web = Web::serve(move |asked| {
        let answer = Answer::whole(&served);
        if asked.number == 0 { answer.cut(60_000) } else { answer }
    });
    let mut rig = Rig::with(&bytes, &[&web]);
    rig.fetch().unwrap();
    rig.assert_whole(&bytes);
    assert_eq!(web.ranges(), [None, Some(60_000)]);
    assert!(rig.notes().iter().any(|text| text.contains("from its beginning")));
}

#[test]
fn silence_ends_an_attempt_and_the_next_one_goes_on() {
    let bytes = content(100_000, 2);
    let served = bytes.clone();
    let web = Web::serve(move |asked| {
        let answer = Answer::file(&served, "\"v1\"", asked);
        if asked.number == 0 { answer.cut(30_000).then_silent() } else { answer }
    });
    let mut rig = Rig::with(&bytes, &[&web]);
    let start = Instant::now();
    rig.fetch().unwrap();
    rig.assert_whole(&bytes);
    assert_eq!(web.ranges(), [None, Some(30_000)]);
    assert!(start.elapsed() >= rig.settings.stall);
    assert!(rig.notes().iter().any(|text| text.contains("silent")), "{:?}", rig.notes());
}

#[test]
fn a_server_that_stays_silent_is_given_up_and_the_part_kept() {
    let bytes = content(100_000, 3);
    let served = bytes.clone();
    let web = Web::serve(move |asked| match asked.number {
        0 => Answer::file(&served, "\"v1\"", asked).cut(30_000).then_silent(),
        _ => Answer { silent: true, ..Answer::default() },
    });
    let mut rig = Rig::with(&bytes, &[&web]);
    rig.settings.stall = Duration::from_millis(60);
    let message = rig.refusal();
    assert!(message.contains("silent") && message.contains("127.0.0.1"), "{message}");
    rig.assert_part(30_000);
    // The first attempt brought something and does not count.
    assert_eq!(web.asked().len() as u32, rig.settings.attempts);
}

#[test]
fn a_server_that_always_cuts_at_the_same_place_is_given_up() {
    let bytes = content(100_000, 4);
    let served = bytes.clone();
    let web = Web::serve(move |asked| {
        let left = 60_000 - asked.from().unwrap_or(0);
        Answer::file(&served, "\"v1\"", asked).cut(left)
    });
    let mut rig = Rig::with(&bytes, &[&web]);
    assert!(rig.refusal().contains("too early"));
    rig.assert_part(60_000);
    assert_eq!(web.asked().len() as u32, rig.settings.attempts);
}

/// Found by `hostile`: each good beginning had forgiven the failure before it, without an end.
#[test]
fn a_server_that_gives_and_takes_back_is_given_up() {
    let bytes = content(100_000, 21);
    let served = bytes.clone();
    let web = Web::serve(move |asked| match asked.from() {
        None => Answer::file(&served, "\"v1\"", asked).cut(60_000),
        Some(_) => Answer::status(416),
    });
    let mut rig = Rig::with(&bytes, &[&web]);
    rig.refusal();
    assert!(web.asked().len() <= 2 * rig.settings.attempts as usize, "{} requests", web.asked().len());
}

#[test]
fn a_length_that_cannot_be_is_refused_before_a_byte_is_kept() {
    let bytes = content(100_000, 5);
    for (length, page, words) in [
        (150_000, "application/gzip", "146.5 KiB instead of 97.7 KiB"),
        (4_000, "text/html; charset=utf-8", "login page"),
    ] {
        let web = Web::serve(move |_| {
            let mut answer = Answer::whole(&vec![b'x'; length]);
            answer.headers.push(("Content-Type", page.into()));
            answer
        });
        let mut rig = Rig::with(&bytes, &[&web]);
        let message = rig.refusal();
        assert!(message.contains(words), "{message}");
        rig.assert_nothing();
        assert_eq!(web.asked().len(), 1, "it would be the same again");
    }
}

#[test]
fn more_bytes_than_the_file_can_have_are_refused() {
    let bytes = content(50_000, 6);
    let served = [&bytes[..], &content(50_000, 7)].concat();
    let web = Web::serve(move |_| Answer::whole(&served).without("Content-Length"));
    let mut rig = Rig::with(&bytes, &[&web]);
    rig.refusal();
    rig.assert_nothing();
}

#[test]
fn a_rest_that_leads_beyond_the_announced_end_is_not_used() {
    let bytes = content(50_000, 8);
    let served = bytes.clone();
    let web = Web::serve(move |asked| {
        let mut answer = Answer::file(&served, "\"v1\"", asked);
        match asked.number {
            0 => answer.cut(20_000),
            1 => {
                answer.body.extend([7; 5000]);
                answer.headers.retain(|(name, _)| *name != "Content-Length");
                answer.headers.push(("Content-Length", answer.body.len().to_string()));
                answer
            }
            _ => answer,
        }
    });
    let mut rig = Rig::with(&bytes, &[&web]);
    rig.fetch().unwrap();
    rig.assert_whole(&bytes);
    assert_eq!(web.ranges(), [None, Some(20_000), None], "the part was thrown away");
}

#[test]
fn without_an_announced_length_the_sum_tells_the_end_from_a_break() {
    let bytes = content(100_000, 9);
    let served = bytes.clone();
    let web = Web::serve(move |asked| {
        let mut answer = Answer::file(&served, "\"v1\"", asked).without("Content-Length");
        if asked.number == 0 {
            answer = answer.cut(40_000);
        }
        answer
    });
    let mut rig = Rig::with(&bytes, &[&web]);
    rig.fetch().unwrap();
    rig.assert_whole(&bytes);
    assert_eq!(web.ranges(), [None, Some(40_000)]);
}

#[test]
fn chunked_answers_are_read() {
    let bytes = content(30_000, 10);
    let mut body = Vec::new();
    for chunk in bytes.chunks(7001) {
        body.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        body.extend([chunk, b"\r\n"].concat());
    }
    body.extend(b"0\r\n\r\n");
    let web = Web::serve(move |_| Answer {
        status: 200,
        headers: vec![("Transfer-Encoding", "chunked".into())],
        body: body.clone(),
        ..Answer::default()
    });
    let mut rig = Rig::with(&bytes, &[&web]);
    rig.fetch().unwrap();
    rig.assert_whole(&bytes);
}

#[test]
fn a_file_that_changed_meanwhile_is_taken_from_its_beginning() {
    let (old, new) = (content(100_000, 11), content(100_000, 12));
    let served = [old, new.clone()];
    // With a version, the server itself sends the new file whole.
    let files = served.clone();
    let careful = Web::serve(move |asked| match asked.number {
        0 => Answer::file(&files[0], "\"old\"", asked).cut(40_000),
        _ => Answer::file(&files[1], "\"new\"", asked),
    });
    // Without one, the pieces do not belong together, and only the sum tells.
    let careless = Web::serve(move |asked| {
        let file = &served[usize::from(asked.number > 0)];
        let answer = Answer::file(file, "W/\"weak\"", asked).without("ETag");
        if asked.number == 0 { answer.cut(40_000) } else { answer }
    });
    for (web, ranges) in [(careful, vec![None, Some(40_000)]), (careless, vec![None, Some(40_000), None])] {
        let mut rig = Rig::with(&new, &[&web]);
        rig.fetch().unwrap();
        rig.assert_whole(&new);
        assert_eq!(web.ranges(), ranges);
    }
}

#[test]
fn a_part_longer_than_the_file_there_is_thrown_away() {
    let bytes = content(60_000, 13);
    let web = Web::of(&bytes);
    let mut rig = Rig::with(&bytes, &[&web]);
    fs::create_dir_all(rig.path("")).unwrap();
    fs::write(rig.path("pets.tgz.part"), content(61_000, 14)).unwrap();
    fs::write(rig.path("pets.tgz.part.json"), format!(r#"{{"md5":"{}"}}"#, md5_of(&bytes))).unwrap();
    rig.fetch().unwrap();
    rig.assert_whole(&bytes);
    assert_eq!(web.ranges(), [Some(61_000), None], "the server answered 416 first");
}

#[test]
fn a_server_that_answers_416_to_everything_is_given_up() {
    let bytes = content(10_000, 15);
    let web = Web::serve(|_| Answer::status(416));
    let mut rig = Rig::with(&bytes, &[&web]);
    assert!(rig.refusal().contains("416"));
    rig.assert_nothing();
    assert_eq!(web.asked().len(), 1);
}

#[test]
fn a_part_without_a_readable_note_is_not_trusted() {
    let bytes = content(60_000, 16);
    let notes = ["", "{", r#"{"md5":"of another file"}"#, "[1,2]"];
    for note in notes {
        let web = Web::of(&bytes);
        let mut rig = Rig::with(&bytes, &[&web]);
        fs::create_dir_all(rig.path("")).unwrap();
        fs::write(rig.path("pets.tgz.part"), &bytes[..30_000]).unwrap();
        fs::write(rig.path("pets.tgz.part.json"), note).unwrap();
        rig.fetch().unwrap();
        rig.assert_whole(&bytes);
        assert_eq!(web.ranges(), [None], "{note:?}");
    }
}

#[test]
fn a_wrong_sum_is_never_taken_and_another_address_is_asked() {
    let bytes = content(80_000, 17);
    let mut corrupt = bytes.clone();
    corrupt[40_000] ^= 1;
    let (bad, good) = (Web::of(&corrupt), Web::of(&bytes));
    let mut rig = Rig::with(&bytes, &[&bad]);
    let message = rig.refusal();
    assert!(message.contains("md5 differs") && message.contains("removed"), "{message}");
    rig.assert_nothing();
    assert_eq!(bad.asked().len(), 1, "what came in one piece would be the same again");

    let mut rig = Rig::with(&bytes, &[&bad, &good]);
    rig.fetch().unwrap();
    rig.assert_whole(&bytes);
    assert_eq!(good.ranges(), [None]);
}

#[test]
fn statuses_are_told_apart() {
    let bytes = content(20_000, 18);
    let served = bytes.clone();
    // Passing trouble.
    for status in [500, 502, 503, 429, 408] {
        let served = served.clone();
        let web = Web::serve(move |asked| match asked.number {
            0 | 1 => Answer::status(status),
            _ => Answer::file(&served, "\"v1\"", asked),
        });
        let mut rig = Rig::with(&bytes, &[&web]);
        rig.fetch().unwrap();
        rig.assert_whole(&bytes);
        assert_eq!(web.asked().len(), 3, "{status}");
    }
    // Final answers.
    for (status, words) in
        [(404, "no such file"), (403, "does not give"), (501, "status 501"), (204, "status 204")]
    {
        let web = Web::serve(move |_| Answer::status(status));
        let mut rig = Rig::with(&bytes, &[&web]);
        let message = rig.refusal();
        assert!(message.contains(words), "{message}");
        rig.assert_nothing();
        assert_eq!(web.asked().len(), 1, "{status}");
    }
    // Another address helps.
    let (missing, good) = (Web::serve(|_| Answer::status(404)), Web::of(&bytes));
    let mut rig = Rig::with(&bytes, &[&missing, &good]);
    rig.fetch().unwrap();
    rig.assert_whole(&bytes);
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let bytes = content(20_000, 19);
    let served = bytes.clone();
    let web = Web::serve(move |asked| {
        let mut busy = Answer::status(503);
        busy.headers.push(("Retry-After", "1".into()));
        if asked.number == 0 { busy } else { Answer::file(&served, "\"v1\"", asked) }
    });
    let mut rig = Rig::with(&bytes, &[&web]);
    let start = Instant::now();
    rig.fetch().unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[test]
fn what_is_no_http_at_all_is_refused() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        use std::io::Write;
        for mut stream in listener.incoming().flatten().take(8) {
            let _ = stream.write_all(b"220 mail.example.org ESMTP\r\n\r\n");
        }
    });
    let bytes = content(1000, 20);
    let mut rig = Rig::new(vec![super::file("pets.tgz", &bytes, &[format!("http://{address}/pets.tgz")])]);
    rig.refusal();
    rig.assert_nothing();
    // Lets the server come to its end.
    while !server.is_finished() {
        let _ = std::net::TcpStream::connect(address);
    }
}
