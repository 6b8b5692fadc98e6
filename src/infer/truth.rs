//! What a picture really is, as far as the folder that it lies in tells.

use std::path::Path;

use crate::data;

/// The class that a picture really belongs to, and what the network makes of that class.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    pub class: String,
    /// How many classes are more probable: 0 is right, below 5 is among the top five.
    pub rank: usize,
    /// Probability of its class, 0 to 1.
    pub probability: f32,
}

impl Truth {
    /// What `[classes]` probabilities say of class `class`; nothing if there is no such class.
    pub fn of(class: usize, probabilities: &[f64], classes: &[String]) -> Option<Self> {
        let own = *probabilities.get(class)?;
        // As the list of the most probable classes is ordered: of equals, the first comes first.
        let before = |(other, p): (usize, &f64)| {
            let order = p.total_cmp(&own);
            order.is_gt() || (order.is_eq() && other < class)
        };
        let rank = probabilities.iter().enumerate().filter(|&one| before(one)).count();
        Some(Self { class: classes.get(class)?.clone(), rank, probability: own as f32 })
    }
}

/// Folders above a picture whose names are looked at.
const LEVELS: usize = 3;

/// The class that a folder above the picture at `path` is named after, the nearest one first: as in `cat/1.jpg`, or in
/// `cat/images/1.jpg`. Capital letters, spaces, underscores and hyphens
/// make no difference.
pub fn class_of_path(path: &Path, classes: &[String]) -> Option<usize> {
    let mut folders = path.ancestors().skip(1).take(LEVELS).filter_map(Path::file_name);
    folders.find_map(|folder| {
        let folder = folder.to_string_lossy();
        let exact = classes.iter().position(|class| *class == folder);
        let name = data::wordnet_name(&folder).unwrap_or(&folder);
        exact.or_else(|| classes.iter().position(|class| plain(class) == plain(name)))
    })
}

fn plain(name: &str) -> String {
    name.chars().map(|c| if matches!(c, '_' | '-') { ' ' } else { c }).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_folder_names_the_class() {
        let classes: Vec<String> = ["cat", "sports car", "dog"].map(str::to_owned).to_vec();
        let class = |path: &str| class_of_path(Path::new(path), &classes);
        assert_eq!(class("pets/cat/1.jpg"), Some(0));
        assert_eq!(class("cat/dog/images/1.jpg"), Some(2));
        assert_eq!(class("Sports_Car/1.jpg"), Some(1));
        assert_eq!(class("n02086240/1.jpg"), None);
        assert_eq!(class_of_path(Path::new("n01440764/1.jpg"), &["owl".into(), "Tench".into()]), Some(1));
        assert_eq!(class("cat.jpg"), None);
        assert_eq!(class("cat/a/b/c/1.jpg"), None, "far above it is no label");
    }

    #[test]
    fn the_rank_counts_what_is_more_probable() {
        let classes: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        let truth = |class| Truth::of(class, &[0.4, 0.2, 0.4], &classes).map(|truth| truth.rank);
        assert_eq!([truth(0), truth(1), truth(2), truth(3)], [Some(0), Some(2), Some(1), None]);
    }
}
