//! Names for the classes of a network that does not bring any.

/// ImageNet's 1000 classes in the order of their WordNet ids, which torchvision's and Caffe's networks have.
/// Written by `assets/imagenet-classes.py`.
const IMAGENET: &str = include_str!("../../../assets/imagenet-classes.txt");

/// Names for `count` classes, and a sentence on where they come from.
pub(super) fn customary(count: usize) -> (Vec<String>, String) {
    if count == IMAGENET.lines().count() {
        let note = "the class names are those of ImageNet; --classes gives others".to_owned();
        return (IMAGENET.lines().map(str::to_owned).collect(), note);
    }
    let names = (0..count).map(|index| format!("class {index}")).collect();
    (
        names,
        format!("the file has no class names: they are called class 0 to class {}", count.saturating_sub(1)),
    )
}

/// Names from a text, one a line.
///
/// # Errors
/// A text that is not UTF-8, an empty line, or another number of names than classes.
pub(super) fn from_list(bytes: &[u8], count: usize) -> Result<Vec<String>, String> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| "the list of classes is not a UTF-8 text".to_owned())?;
    let names: Vec<String> =
        text.trim_start_matches('\u{feff}').trim_end().lines().map(|line| line.trim().to_owned()).collect();
    if let Some(line) = names.iter().position(String::is_empty) {
        return Err(format!("line {} of the list of classes is empty", line + 1));
    }
    if names.len() != count {
        return Err(format!("it names {} classes, but the network has {count}", names.len()));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imagenet_has_a_thousand_names_in_their_order() {
        let (names, _) = customary(1000);
        assert_eq!((names.len(), names[0].as_str(), names[999].as_str()), (1000, "tench", "toilet tissue"));
        let (names, note) = customary(3);
        assert_eq!(names, ["class 0", "class 1", "class 2"]);
        assert!(note.contains("class 2"));
    }

    #[test]
    fn lists_must_fit() {
        assert_eq!(from_list("\u{feff}cat\r\ndog \n\n".as_bytes(), 2).unwrap(), ["cat", "dog"]);
        assert!(from_list(b"cat\ndog", 3).unwrap_err().contains("2 classes"));
        assert!(from_list(b"cat\n\ndog", 3).unwrap_err().contains("line 2"));
        assert!(from_list(&[0xff, 0xfe], 1).unwrap_err().contains("UTF-8"));
    }
}
