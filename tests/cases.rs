//! Small networks that once gave wrong numbers or none: the machine's outputs against those that ONNX
//! Runtime gave in float (`output_N.npy` beside each), with the reason in the test's name.

use std::path::PathBuf;
use tilewright::model::{self, Model};
use tilewright::{pipeline, proof};
use tilewright_arch::Config;
use tilewright_compiler::npy;
use tilewright_compiler::quantise::{Options, Precision, sqnr_db};

/// Decibels of every stored output with each precision, simulated.
fn decibels(case: &str, precision: Precision) -> Vec<f64> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(case);
    let model = Model::read(&folder).unwrap();
    let calibration = model.calibration(None).unwrap();
    let input = model::samples(&model.graph, &model.beside("input_0.npy")).unwrap().remove(0);
    let options = Options { precision, ..Options::default() };
    let compiled = pipeline::compile(&model, &calibration, &options, &Config::sized(9, 16)).unwrap();
    let outputs = proof::simulate(&compiled, &input).unwrap().outputs;
    let one = |(i, output): (usize, &ndarray::ArrayD<f32>)| {
        let stored = npy::read_npy(&folder.join(format!("output_{i}.npy"))).unwrap().to_ndarray();
        assert_eq!(stored.shape(), output.shape(), "{case}: output {i}");
        sqnr_db(&stored, output)
    };
    outputs.iter().enumerate().map(one).collect()
}

/// Each test is one case: at least so many decibels in every output, with the default precision and with
/// the others.
macro_rules! cases {
    ($($(#[$why:meta])* $reason:ident: $case:literal, $least:literal;)*) => {
        $($(#[$why])* #[test]
        fn $reason() {
            for precision in [Precision::Auto, Precision::Int8, Precision::Int16, Precision::Mixed] {
                let decibels = decibels($case, precision);
                assert!(decibels.iter().all(|db| *db >= $least), "{}, {precision:?}: {decibels:.1?}", $case);
            }
        })*
    };
}

cases! {
    /// The mean of conv(x) is not that of -conv(x).
    statistics_describe_the_sum_that_a_difference_negates: "sub-x-conv-x", 39.0;
    /// The constant was dropped: copies had no bias.
    a_nearest_resize_takes_an_addend_for_each_channel: "resize-nearest-add", 40.0;
    an_operand_is_cut_into_the_phases_of_a_nearest_resize: "fpn-lateral-then-up", 33.0;
    an_operand_is_cut_into_the_phases_of_a_linear_resize: "skip-add-after-upsample-bilinear", 40.0;
    depth_to_space_after_a_scaling_is_an_operation_of_its_own: "scale-then-shuffle", 38.0;
}
