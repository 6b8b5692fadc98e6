//! The answers about a folder as figures and as a table of comma-separated values.

use std::fmt::Write;

use super::{FolderAnswer, Neighbour};
use crate::infer::Truth;
use crate::words::quoted;

/// How many pictures there are, how many of them the network gets right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FolderScore {
    pub pictures: usize,
    /// Files that cannot be used; they are no pictures.
    pub unusable: usize,
    /// Pictures whose class is known, because a folder is named after it.
    pub labelled: usize,
    /// Those taken for what they are.
    pub right: usize,
    /// Those whose class is among the five most probable.
    pub among_five: usize,
}

impl FolderScore {
    pub fn add(&mut self, answer: &FolderAnswer) {
        let Ok(classified) = &answer.result else {
            self.unusable += 1;
            return;
        };
        self.pictures += 1;
        if let Some(truth) = &classified.truth {
            self.labelled += 1;
            self.right += usize::from(truth.rank == 0);
            self.among_five += usize::from(truth.rank < 5);
        }
    }

    /// Share of the pictures of a known class that are taken for another; nothing if there are none.
    pub fn top1_error(&self) -> Option<f64> {
        self.error(self.right)
    }

    /// Share of the pictures of a known class whose class is not among the five most probable.
    pub fn top5_error(&self) -> Option<f64> {
        self.error(self.among_five)
    }

    fn error(&self, right: usize) -> Option<f64> {
        (self.labelled > 0).then(|| 1.0 - right as f64 / self.labelled as f64)
    }
}

/// A row for each file: path, true class with its rank (1 is the most probable) and its probability where it is known,
/// the most probable classes, where they were asked for the training pictures most like it with their classes and
/// distances, and what is wrong.
pub fn folder_table<'a>(answers: impl Iterator<Item = &'a FolderAnswer> + Clone) -> String {
    let tops = answers.clone().filter_map(|answer| answer.result.as_ref().ok());
    let kept = tops.map(|classified| classified.top.len()).max().unwrap_or(0);
    let alike = answers.clone().filter_map(|answer| answer.nearest.as_ref()?.as_ref().ok());
    let near = alike.map(Vec::len).max().unwrap_or(0);
    let classes = (1..=kept).map(|place| format!(",class_{place},probability_{place}"));
    let nearest = (1..=near).map(|place| format!(",nearest_{place},nearest_class_{place},distance_{place}"));
    let columns: String = classes.chain(nearest).collect();
    let mut table = format!("path,true_class,rank,probability{columns},problem\n");
    answers.for_each(|answer| row(&mut table, answer, kept, near));
    table
}

/// The row of a file, with fields for `kept` classes and `near` training pictures.
fn row(table: &mut String, answer: &FolderAnswer, kept: usize, near: usize) {
    table.push_str(&quoted(&answer.path.display().to_string()));
    let mut add =
        |fields: std::fmt::Arguments<'_>| table.write_fmt(fields).expect("a string takes every field");
    let classified = answer.result.as_ref().ok();
    match classified.and_then(|classified| classified.truth.as_ref()) {
        Some(Truth { class, rank, probability }) => {
            add(format_args!(",{},{},{probability:.6}", quoted(class), rank + 1));
        }
        None => add(format_args!(",,,")),
    }
    let top = classified.map_or(&[][..], |classified| &classified.top);
    top.iter().for_each(|(class, p)| add(format_args!(",{},{p:.6}", quoted(class))));
    add(format_args!("{}", ",,".repeat(kept - top.len())));
    let (alike, unfound) = match &answer.nearest {
        Some(Ok(alike)) => (&alike[..], None),
        Some(Err(reason)) => (&[][..], Some(reason)),
        None => (&[][..], None),
    };
    for Neighbour { name, class, distance, .. } in alike {
        add(format_args!(",{},{},{distance:.6}", quoted(name), quoted(class)));
    }
    add(format_args!("{}", ",,,".repeat(near - alike.len())));
    let problem = answer.result.as_ref().err().or(unfound);
    add(format_args!(",{}\n", problem.map_or(String::new(), |reason| quoted(reason))));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::Classified;

    fn answer(path: &str, truth: Option<usize>) -> FolderAnswer {
        let truth = truth.map(|rank| Truth { class: "cat, tabby".into(), rank, probability: 0.25 });
        let top = vec![("dog".to_owned(), 0.5), ("cat, tabby".to_owned(), 0.25)];
        FolderAnswer { path: path.into(), named: false, result: Ok(Classified { top, truth }), nearest: None }
    }

    #[test]
    fn a_row_has_all_columns_whatever_is_known() {
        let broken = FolderAnswer { result: Err("it is empty".into()), ..answer("x\"y.jpg", None) };
        let answers = [answer("a.jpg", Some(1)), answer("b.jpg", None), broken];
        let table = folder_table(answers.iter());
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(
            lines,
            [
                "path,true_class,rank,probability,class_1,probability_1,class_2,probability_2,problem",
                "\"a.jpg\",\"cat, tabby\",2,0.250000,\"dog\",0.500000,\"cat, tabby\",0.250000,",
                "\"b.jpg\",,,,\"dog\",0.500000,\"cat, tabby\",0.250000,",
                "\"x\"\"y.jpg\",,,,,,,,\"it is empty\"",
            ]
        );
    }

    #[test]
    fn the_training_pictures_most_alike_stand_behind_the_classes() {
        let near = |name: &str, distance| Neighbour {
            name: name.into(),
            class: "cat, tabby".into(),
            distance,
            picture: None,
        };
        let with = |nearest| FolderAnswer { nearest: Some(nearest), ..answer("a.jpg", None) };
        let answers = [
            with(Ok(vec![near("tom \"1\".jpg", 0.5), near("b.jpg", 2.0)])),
            with(Ok(vec![near("b.jpg", 1.25)])),
            with(Err("no index".into())),
            FolderAnswer { result: Err("it is empty".into()), ..answer("c.jpg", None) },
        ];
        let table = folder_table(answers.iter());
        let ends: Vec<&str> =
            table.lines().map(|line| line.split_once("probability_2").map_or(line, |(_, end)| end)).collect();
        let known = "\"a.jpg\",,,,\"dog\",0.500000,\"cat, tabby\",0.250000";
        assert_eq!(
            ends,
            [
                ",nearest_1,nearest_class_1,distance_1,nearest_2,nearest_class_2,distance_2,problem",
                &format!(
                    "{known},\"tom \"\"1\"\".jpg\",\"cat, tabby\",0.500000,\"b.jpg\",\"cat, tabby\",2.000000,"
                ),
                &format!("{known},\"b.jpg\",\"cat, tabby\",1.250000,,,,"),
                &format!("{known},,,,,,,\"no index\""),
                "\"c.jpg\",,,,,,,,,,,,,,\"it is empty\"",
            ]
        );
    }

    #[test]
    fn errors_count_the_pictures_whose_class_is_known() {
        let mut score = FolderScore::default();
        for rank in [Some(0), Some(1), Some(4), Some(5), None] {
            score.add(&answer("a.jpg", rank));
        }
        assert_eq!((score.pictures, score.labelled), (5, 4));
        assert_eq!((score.top1_error(), score.top5_error()), (Some(0.75), Some(0.25)));
        assert_eq!(FolderScore::default().top1_error(), None);
    }
}
