//! Writes the presets at their full size for `tests/fixtures/check_exports.py`, which runs them in onnxruntime
//! and PyTorch. Not part of the usual tests: it writes several GiB.

use alexnet_lab::model::export::{ExportFormat, export};
use alexnet_lab::model::{Input, Network};
use burn::tensor::Device;
use safetensors::tensor::{Dtype, TensorView};

use super::{model, networks, saved};

/// Folder to write to.
const FOLDER: &str = "ALEXNET_LAB_EXPORTS";

#[test]
#[ignore = "writes several GiB; see tests/fixtures/check_exports.py"]
fn write_exports_at_full_size() {
    let folder = std::env::var_os(FOLDER).unwrap_or_else(|| panic!("set {FOLDER} to a folder"));
    for (name, spec) in networks(1000) {
        let folder = std::path::Path::new(&folder).join(name.replace(' ', "-"));
        std::fs::create_dir_all(&folder).unwrap();
        let model = model(spec);
        let path = saved(&model, &folder);
        for (format, out) in
            [(ExportFormat::Onnx, "out.onnx"), (ExportFormat::TorchSafetensors, "out.torch.safetensors")]
        {
            let start = std::time::Instant::now();
            let exported = export(&path, format, &folder.join(out)).unwrap();
            let seconds = start.elapsed().as_secs_f64();
            println!("{name}: {format} {:.1e}, {seconds:.1} s", exported.largest_difference);
        }
        std::fs::remove_file(path).unwrap();
        let side = model.spec.input.side;
        let pixels: Vec<u8> =
            super::noise(2 * 3 * side * side, 4, 127.0).into_iter().map(|v| (v + 128.0) as u8).collect();
        let network = Network::new(model.spec.clone(), &model.weights, &Device::flex()).unwrap();
        let scores = network.scores(&Input::new(model.spec.input, model.mean.clone()), &pixels).unwrap();
        let scores: Vec<u8> = scores.iter().flat_map(|s| s.to_le_bytes()).collect();
        let views = [
            ("pixels", TensorView::new(Dtype::U8, vec![2, 3, side, side], &pixels).unwrap()),
            ("logits", TensorView::new(Dtype::F32, vec![2, 1000], &scores).unwrap()),
        ];
        safetensors::serialize_to_file(views, None, &folder.join("reference.safetensors")).unwrap();
    }
}
