//! The answers about a folder as figures and as a table of comma-separated values.

use std::fmt::Write;

use super::FolderAnswer;
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
/// the most probable classes, and why it cannot be used.
pub fn folder_table<'a>(answers: impl Iterator<Item = &'a FolderAnswer> + Clone) -> String {
    let tops = answers.clone().filter_map(|answer| answer.result.as_ref().ok());
    let kept = tops.map(|classified| classified.top.len()).max().unwrap_or(0);
    let columns: String = (1..=kept).map(|place| format!(",class_{place},probability_{place}")).collect();
    let mut table = format!("path,true_class,rank,probability{columns},problem\n");
    for answer in answers {
        table.push_str(&quoted(&answer.path.display().to_string()));
        match &answer.result {
            Ok(classified) => {
                match &classified.truth {
                    Some(truth) => {
                        let (class, rank, p) = (quoted(&truth.class), truth.rank + 1, truth.probability);
                        write!(table, ",{class},{rank},{p:.6}").expect("a string takes every field");
                    }
                    None => table.push_str(",,,"),
                }
                for (class, p) in &classified.top {
                    write!(table, ",{},{p:.6}", quoted(class)).expect("a string takes every field");
                }
                table.push_str(&",,".repeat(kept - classified.top.len()));
                table.push_str(",\n");
            }
            Err(reason) => {
                table.push_str(&",".repeat(3 + 2 * kept));
                table.push_str(&format!(",{}\n", quoted(reason)));
            }
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::{Classified, Truth};

    fn answer(path: &str, truth: Option<usize>) -> FolderAnswer {
        let truth = truth.map(|rank| Truth { class: "cat, tabby".into(), rank, probability: 0.25 });
        let top = vec![("dog".to_owned(), 0.5), ("cat, tabby".to_owned(), 0.25)];
        FolderAnswer { path: path.into(), named: false, result: Ok(Classified { top, truth }) }
    }

    #[test]
    fn a_row_has_all_columns_whatever_is_known() {
        let broken =
            FolderAnswer { path: "x\"y.jpg".into(), named: false, result: Err("it is empty".into()) };
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
