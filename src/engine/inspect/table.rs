//! The pictures that excite maps as a table of comma-separated values.

use std::fmt::Write as _;

use crate::infer::Exciting;
use crate::words::quoted;

/// A row for each map and picture; maps and ranks count from 1, rows and columns of a map from 0.
pub fn exciting_table(found: &Exciting, classes: &[String]) -> String {
    let mut table = "map,rank,value,row,column,picture,class\n".to_owned();
    for (map, best) in found.maps.iter().enumerate() {
        for (rank, one) in best.iter().enumerate() {
            let class = classes.get(one.picture.label as usize).map_or("", String::as_str);
            let (picture, class) = (quoted(&one.picture.name), quoted(class));
            let [row, column] = one.place;
            let (map, rank, value) = (map + 1, rank + 1, one.value);
            writeln!(table, "{map},{rank},{value},{row},{column},{picture},{class}")
                .expect("a string takes every line");
        }
    }
    table
}
