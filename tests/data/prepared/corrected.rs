//! Corrections lie above what is kept: they decode nothing anew, and take nothing away that is wanted again.

use alexnet_lab::config::DataConfig;
use alexnet_lab::data::{Correction, Corrections, Split, open};

use super::{Rig, prepared};

#[test]
fn corrections_decode_nothing_anew_and_lose_nothing() {
    let rig = Rig::pets();
    rig.prepare().store();
    let mut list = Corrections::default();
    list.set("train/ant/003.png", Some(Correction::Class("bee".into())));
    list.set("train/bee/004.png", Some(Correction::LeaveOut));
    list.set("val/ant/001.png", Some(Correction::LeaveOut));
    let file = rig.cache.path().join("corrections.csv");
    list.write(&file, "pets").unwrap();
    let corrected = Rig {
        config: DataConfig { corrections: Some(file), ..rig.config.clone() },
        ..rig.with_empty_cache()
    };
    let dataset = open(&corrected.config).unwrap();
    let store =
        prepared(dataset, &rig.cabinet(), |how| alexnet_lab::data::Preparation { whole: false, ..how });
    let store = store.store();
    assert_eq!(store.kept().unwrap().decoded(), 0);
    // The same labels, pixels and mean picture as in memory.
    corrected.assert_right(&store);
    assert_eq!((store.len(Split::Train), store.len(Split::Validation)), (17, 5));
    drop(store);
    let again = rig.prepare().store();
    assert_eq!(again.kept().unwrap().decoded(), 0, "what was left out is still there");
    rig.assert_right(&again);
}
