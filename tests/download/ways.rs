//! Ways to a file: redirects, mirrors, proxies, encrypted connections.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use alexnet_lab::data::download::{ProxyChoice, proxy_for, redirect_target};

use super::{Rig, content, file};
use crate::web::{Answer, Proxy, Web, socks};

#[test]
fn redirects_are_followed() {
    let bytes = content(40_000, 1);
    let target = Web::of(&bytes);
    for location in [target.url("/elsewhere/file?x=1"), "/moved".into(), "moved".into()] {
        let (served, to) = (bytes.clone(), location.clone());
        let web = Web::serve(move |asked| match &asked.path[..] {
            "/pets.tgz" => Answer::redirect(&to),
            _ => Answer::file(&served, "\"v1\"", asked),
        });
        let mut rig = Rig::with(&bytes, &[&web]);
        rig.fetch().unwrap();
        rig.assert_whole(&bytes);
    }
    assert_eq!(target.asked()[0].path, "/elsewhere/file?x=1");
}

#[test]
fn the_rest_of_a_file_is_asked_for_behind_the_redirect_too() {
    let bytes = content(40_000, 2);
    let served = bytes.clone();
    let web = Web::serve(move |asked| match (&asked.path[..], asked.number) {
        ("/pets.tgz", _) => Answer::redirect("/moved"),
        (_, 1) => Answer::file(&served, "\"v1\"", asked).cut(10_000),
        _ => Answer::file(&served, "\"v1\"", asked),
    });
    let mut rig = Rig::with(&bytes, &[&web]);
    rig.fetch().unwrap();
    rig.assert_whole(&bytes);
    assert_eq!(web.ranges(), [None, None, Some(10_000), Some(10_000)]);
}

#[test]
fn redirects_that_lead_nowhere_are_refused() {
    let bytes = content(1000, 3);
    for (location, words) in [
        (Some("/pets.tgz"), "without an end"),
        (Some("ftp://127.0.0.1/pets.tgz"), "not on the web"),
        (Some("file:///etc/passwd"), "no address"),
        (Some("http://"), "no address"),
        (Some("http://[half"), "no address"),
        (None, "where to"),
    ] {
        let web = Web::serve(move |_| match location {
            Some(location) => Answer::redirect(location),
            None => Answer::status(301),
        });
        let mut rig = Rig::with(&bytes, &[&web]);
        let message = rig.refusal();
        assert!(message.contains(words), "{location:?}: {message}");
        rig.assert_nothing();
        let most = rig.settings.redirects as usize + 1;
        assert!(web.asked().len() <= most, "{} requests", web.asked().len());
    }
}

#[test]
fn a_redirect_never_leaves_encryption() {
    let base = "https://example.org/sets/a.tgz".parse().unwrap();
    let to = |location: &str| redirect_target(&base, location).map(|uri| uri.to_string());
    assert_eq!(to("b.tgz").unwrap(), "https://example.org/sets/b.tgz");
    assert_eq!(to("/b.tgz#part").unwrap(), "https://example.org/b.tgz");
    assert_eq!(to("//cdn.example.org/b.tgz").unwrap(), "https://cdn.example.org/b.tgz");
    assert_eq!(to("https://cdn.example.org/b").unwrap(), "https://cdn.example.org/b");
    assert!(to("http://cdn.example.org/b").unwrap_err().contains("without encryption"));
    let plain = "http://example.org/a".parse().unwrap();
    assert_eq!(redirect_target(&plain, "https://example.org/a").unwrap().scheme_str(), Some("https"));
}

#[test]
fn a_mirror_is_asked_instead_of_the_authors() {
    let bytes = content(40_000, 4);
    let (authors, served) = (Web::of(&bytes), bytes.clone());
    // As `python3 -m http.server` in somebody's folder of data sets, and as a plain folder of archives.
    for (there, asked) in [
        ("/m/pets/pets.tgz", &["/m/pets/pets.tgz"][..]),
        ("/m/pets.tgz", &["/m/pets/pets.tgz", "/m/pets.tgz"]),
    ] {
        let served = served.clone();
        let mirror =
            Web::serve(
                move |asked| {
                    if asked.path == there { Answer::whole(&served) } else { Answer::status(404) }
                },
            );
        let mut rig = Rig::with(&bytes, &[&authors]);
        rig.settings.mirror = Some(mirror.url("/m/"));
        rig.fetch().unwrap();
        rig.assert_whole(&bytes);
        let paths: Vec<String> = mirror.asked().into_iter().map(|asked| asked.path).collect();
        assert_eq!(paths, asked);
    }
    assert!(authors.asked().is_empty());
}

#[test]
fn a_mirror_with_another_file_is_found_out() {
    let bytes = content(40_000, 5);
    let mirror = Web::of(&content(40_000, 6));
    let mut rig = Rig::with(&bytes, &[]);
    rig.settings.mirror = Some(mirror.url(""));
    assert!(rig.refusal().contains("md5 differs"));
    rig.assert_nothing();
}

#[test]
fn addresses_that_are_none_are_refused_before_anything_happens() {
    let bytes = content(1000, 7);
    for mirror in ["example.org", "ftp://example.org", "http://", "", "http://a b"] {
        let mut rig = Rig::with(&bytes, &[]);
        rig.settings.mirror = Some(mirror.into());
        let error = rig.fetch().unwrap_err();
        assert!(error.is_bad_input() && error.to_string().contains("mirror"), "{mirror}: {error}");
        assert!(!rig.shelf.root().exists());
    }
    for proxy in ["", "gopher://example.org", "http://"] {
        let mut rig = Rig::with(&bytes, &[]);
        rig.settings.proxy = ProxyChoice::Address(proxy.into());
        let error = rig.fetch().unwrap_err();
        assert!(error.is_bad_input() && error.to_string().contains("proxy"), "{proxy}: {error}");
    }
}

#[test]
fn a_proxy_is_used_and_its_password_stays_secret() {
    let bytes = content(40_000, 8);
    let web = Web::of(&bytes);
    // base64 of "ann:secret"
    let proxy = Proxy::start(Some("YW5uOnNlY3JldA=="));
    let mut rig = Rig::with(&bytes, &[&web]);
    rig.settings.proxy = ProxyChoice::Address(format!("http://ann:secret@{}", proxy.address()));
    rig.fetch().unwrap();
    rig.assert_whole(&bytes);
    assert_eq!(proxy.tunnels(), [web.address().to_string()]);

    let mut rig = Rig::with(&bytes, &[&web]);
    rig.settings.proxy = ProxyChoice::Address(format!("http://{}", proxy.address()));
    let message = rig.refusal();
    assert!(message.contains("name and a password"), "{message}");
    rig.assert_nothing();

    let mut rig = Rig::with(&bytes, &[&web]);
    for proxy in
        ["gopher://ann:secret@example.org", "http:/ann:secret@example.org", "http://ann:sec/ret@example.org"]
    {
        rig.settings.proxy = ProxyChoice::Address(proxy.into());
        let message = rig.refusal();
        assert!(!message.contains("sec"), "{message}");
        rig.settings.proxy = ProxyChoice::Direct;
        rig.settings.mirror = Some(proxy.into());
        let message = rig.refusal();
        assert!(!message.contains("sec"), "{message}");
        rig.settings.mirror = None;
    }
}

#[test]
fn a_socks_proxy_is_used() {
    let bytes = content(40_000, 13);
    let web = Web::of(&bytes);
    for scheme in ["socks5", "socks5h"] {
        let proxy = socks(Arc::default());
        let mut rig = Rig::with(&bytes, &[&web]);
        rig.settings.proxy = ProxyChoice::Address(format!("{scheme}://{}", proxy.address()));
        rig.fetch().unwrap();
        rig.assert_whole(&bytes);
        assert_eq!(proxy.tunnels(), [web.address().to_string()]);
    }
}

#[test]
fn a_proxy_that_is_not_there_is_blamed() {
    let bytes = content(1000, 9);
    let web = Web::of(&bytes);
    let mut rig = Rig::with(&bytes, &[&web]);
    rig.settings.proxy = ProxyChoice::Address(format!("http://{}", free_address()));
    let message = rig.refusal();
    assert!(message.contains("the proxy does not help"), "{message}");
    assert!(web.asked().is_empty(), "nothing goes past a proxy");
}

#[test]
fn passwords_in_addresses_are_neither_told_nor_kept() {
    let bytes = content(40_000, 10);
    let served = bytes.clone();
    let web = Web::serve(move |asked| match asked.number {
        0 => Answer::file(&served, "\"v1\"", asked).cut(10_000),
        _ => Answer::status(403),
    });
    let mut rig = Rig::with(&bytes, &[]);
    rig.settings.mirror = Some(web.url("").replace("http://", "http://ann:secret@"));
    assert!(!rig.refusal().contains("secret"));
    rig.assert_part(10_000);
    assert!(!std::fs::read_to_string(rig.path("pets.tgz.part.json")).unwrap().contains("secret"));
    assert!(!format!("{:?}", rig.told).contains("secret"));
}

#[test]
fn the_environment_names_the_proxy() {
    let variables = |pairs: &'static [(&'static str, &'static str)]| {
        move |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    let all = variables(&[
        ("HTTPS_PROXY", "http://s:1"),
        ("http_proxy", "http://p:2"),
        ("ALL_PROXY", "socks5://a:3"),
    ]);
    assert_eq!(proxy_for("https", "x.org", all).as_deref(), Some("http://s:1"));
    assert_eq!(proxy_for("http", "x.org", all).as_deref(), Some("http://p:2"));
    let rest = variables(&[("all_proxy", "socks5://a:3"), ("HTTPS_PROXY", " ")]);
    assert_eq!(proxy_for("http", "x.org", rest).as_deref(), Some("socks5://a:3"));
    assert_eq!(proxy_for("https", "x.org", variables(&[])), None);
    let some = variables(&[
        ("ALL_PROXY", "http://a:3"),
        ("NO_PROXY", "localhost, .school.edu,10.0.0.1:8000,*.lab.org,[::1]"),
    ]);
    for (host, direct) in [
        ("localhost", true),
        ("files.school.edu", true),
        ("school.edu", true),
        ("notschool.edu", false),
        ("10.0.0.1", true),
        ("10.0.0.11", false),
        ("A.LAB.ORG", true),
        ("[::1]", true),
        ("x.org", false),
    ] {
        assert_eq!(proxy_for("https", host, some).is_none(), direct, "{host}");
    }
    assert_eq!(
        proxy_for("https", "x.org", variables(&[("ALL_PROXY", "http://a:3"), ("no_proxy", "*")])),
        None
    );
}

#[test]
fn a_server_that_cannot_be_reached_is_told_at_once() {
    let bytes = content(1000, 11);
    let mut rig = Rig::new(vec![file("pets.tgz", &bytes, &[format!("http://{}/pets.tgz", free_address())])]);
    let message = rig.refusal();
    assert!(message.contains("no server was reached") && message.contains("network"), "{message}");
    assert!(rig.notes().is_empty(), "there is nothing to wait for: {:?}", rig.notes());
    rig.assert_nothing();
}

#[test]
fn an_encrypted_connection_to_a_stranger_is_refused() {
    let bytes = content(1000, 12);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.write_all(b"HTTP/1.1 400 This is no TLS\r\n\r\n");
        let _ = stream.read(&mut [0; 4096]);
    });
    let mut rig = Rig::new(vec![file("pets.tgz", &bytes, &[format!("https://{address}/pets.tgz")])]);
    let message = rig.refusal();
    assert!(message.contains("no safe connection"), "{message}");
    rig.assert_nothing();
    server.join().unwrap();
}

/// An address of this computer at which nobody listens.
fn free_address() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
