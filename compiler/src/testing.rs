//! What tests share: where the model zoo lies beside the project, and how random cases are drawn.

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;
use std::path::{Path, PathBuf};

/// The models every front-end test runs on.
const MODELS: [&str; 8] = [
    "lenet_mnist",
    "resnet_mnist",
    "mobilenetv2_mnist",
    "espcn_x2",
    "mlperf_ic_resnet8",
    "mlperf_kws_dscnn",
    "mlperf_vww_mobilenet025",
    "mlperf_ad_autoencoder",
];

/// The models' folders; none, and a line on standard error, when the zoo is not there.
pub(crate) fn models() -> Vec<PathBuf> {
    let zoo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/models");
    if !zoo.is_dir() {
        eprintln!("SKIPPED: no model zoo at {}", zoo.display());
        return Vec::new();
    }
    MODELS.iter().map(|m| zoo.join(m)).collect()
}

/// Every folder of the zoo that holds a model, sorted by name; none where [`models`] gives none.
pub(crate) fn all_models() -> Vec<PathBuf> {
    let zoo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/models");
    let Ok(entries) = std::fs::read_dir(&zoo) else {
        eprintln!("SKIPPED: no model zoo at {}", zoo.display());
        return Vec::new();
    };
    let mut all: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    all.retain(|p| p.join("model.onnx").is_file() && p.join("output_0.npy").is_file());
    all.sort();
    all
}

/// So many cases, the same ones in every run: whether a commit passes is for the commit to say.
pub(crate) fn same_cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() }
}
