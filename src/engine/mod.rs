//! One thread owns the device, the model and the optimiser; everyone else sends commands and reads events.

pub mod bench;
mod browse;
mod catalogue;
mod check;
mod check_report;
mod command;
mod control;
mod conversion;
mod desk;
mod diagnosis;
mod disk;
mod download;
mod error;
mod evaluate;
mod evaluation_tables;
mod event;
mod feed;
mod film;
mod find;
mod folder;
mod handle;
mod inquiry;
mod inspect;
mod interrupted;
mod keeper;
mod lock;
mod memory;
mod model;
mod outbox;
mod pace;
mod pacer;
mod pictures;
mod places;
mod plan;
mod prepare;
mod prepared;
mod prepared_report;
mod replay;
mod report;
mod rows;
mod run;
mod run_list;
mod runs;
mod sample;
mod settings;
mod sketch;
mod start;
mod statistics;
mod summary;
mod tables;
mod take_up;
mod tiles;
mod timetable;
mod usable;
mod worker;

pub use browse::{
    Among, BrowseNews, BrowseRequest, BrowseSet, Browser, LargePicture, Look, PictureProblem, Place, Preview,
    SMALL_SIDE, SmallPicture, Survey, VARIATIONS, Variation, WayOut, window,
};
pub use catalogue::{PresetInfo, devices, presets};
pub use check::{
    Balance, ClassPictures, CorrectionCounts, DataCheck, DuplicatePair, FileReason, LARGEST_DISTANCE,
    NEAR_DISTANCE, NearCounts, NearDuplicate, PictureSizes, check, write_refused,
};
pub use check_report::ReportRow;
pub use command::{Command, PictureSource, RateRange, TakeUp, Views};
pub use conversion::{ImportReport, ImportRequest, import};
pub use diagnosis::{Course, Diagnosis, Finding, Remedy, diagnose};
pub use download::{
    Download, DownloadEvent, DownloadRequest, DownloadSettings, Progress, ProxyChoice, SetFile, SetInfo,
    SetPresence, known_sets,
};
pub use evaluation_tables::{TableError, read_confusion, write_evaluation};
pub use event::{
    CheckpointInfo, Checkpoints, Event, ModelInfo, Pace, Prediction, RateFound, RunChange, RunInfo,
    RunSummary, Stage, StopReason, Suggestion, TakenUp, Truth, Vote,
};
pub use film::{film, newest_kernels};
pub use folder::refused_table;
pub use handle::Engine;
pub use inquiry::{
    FolderAnswer, FolderQuestion, FolderScore, IndexInfo, Inquiry, InquiryEnd, InquiryNews, Nearest,
    Neighbour, folder_table, small_picture,
};
pub use inspect::{Answer, Inspect, Inspected, Question, exciting_table};
pub use interrupted::{Interrupted, interrupted, interrupted_run};
pub use memory::MemoryNeed;
pub use prepared::{
    PrepareError, Prepared, PreparedCache, PreparedSide, PreparedStore, Verified, prepare, prepared_cache,
};
pub use report::{ReportError, write_report};
pub use run_list::{RunEntry, RunFacts, RunList, RunNews, RunState, usual_runs_folder};
pub use runs::{Difference, RunProblem, RunRecord, differences, runs};
pub use sketch::{Block, Fault, Sketch, sketch};
pub use statistics::InputStatistics;
pub use summary::{LayerSummary, NetworkSummary, summary};
pub use take_up::{KeptCheckpoint, kept_checkpoints};

pub use crate::data::Report as PrepareReport;
pub use crate::data::Split;
pub use crate::infer::{
    Activations, Classified, Excites, Exciting, GradCam, LayerActivations, Muted, Occlusion, Patch, Shown,
    Step, class_of_path, ranked,
};
pub use crate::model::Field;
pub use crate::model::ImportOptions;
pub use crate::model::export::{ExportError, ExportFormat, Exported, export};
