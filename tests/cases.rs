//! Small networks that once gave wrong numbers or none: the machine's outputs against those that ONNX
//! Runtime gave in float (`output_N.npy` beside each), with the reason in the test's name.

use std::path::PathBuf;
use tilewright::model::{self, Model};
use tilewright::{assurance, pipeline, proof};
use tilewright_arch::Config;
use tilewright_compiler::network::HostOperator;
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
            let all = [Precision::Auto, Precision::Int8, Precision::Mixed, Precision::Int16, Precision::Int16x16];
            for precision in all {
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
    /// Clip(min = 0.05): with 16 bits the open side ended at 0.05 too.
    a_clamp_of_one_side_does_not_end_the_other: "clamp-min-head", 43.0;
    /// The smallest result is -1e-16.
    an_end_of_a_range_far_below_a_step_does_not_decide: "tiny-negative-range", 38.0;
    /// A slope of 1e-20.
    negative_numbers_far_below_a_step_do_not_decide: "tiny-negative-slope", 40.0;
    /// Explicit padding counts in the mean, that of ceil_mode does not.
    an_average_may_count_some_padding_and_not_the_rest: "avgpool-ceil-pad-count", 45.0;
    constants_of_a_shape_may_be_large: "constantofshape-float-large", 50.0;
    a_line_is_an_image_of_height_1: "conv1d-kws", 40.0;
    open_extents_are_those_of_the_samples: "dynamic-hw", 40.0;
    constant_indices_gather_along_several_axes: "gathernd-index", 32.0;
    indices_of_a_maximum_that_nobody_reads_are_not_made: "maxpool-indices", 50.0;
    anchor_grids_are_constants: "meshgrid-static", 40.0;
    local_response_normalisation_is_a_mean_over_channels: "missing-ops-lrn", 38.0;
    opset_23_has_the_same_operators: "opset23", 40.0;
    /// Clip between QuantizeLinear and DequantizeLinear, to 4 bits: exact.
    fewer_bits_are_clipped_integers: "qcdq-int4", 300.0;
    /// Both QuantizeLinears of a tensor round the real numbers, not each other's.
    a_tensor_may_be_rounded_with_two_scales: "two-scales-of-one-tensor", 300.0;
    /// What is not quantised was read in the 4 bits of what is.
    a_rounding_is_not_that_of_other_readers: "float-branch-beside-4-bits", 36.0;
    /// The output was the input itself.
    an_input_that_is_rounded_to_an_output_is_rounded: "quantised-output-of-an-input", 300.0;
    weights_may_be_clipped_channel_by_channel: "clipped-weights-by-channel", 300.0;
    minus_infinity_masks: "mask-of-minus-infinity", 40.0;
    a_window_of_one_plane_pools_a_volume_plane_by_plane: "rank-maxpool3d-1kk", 40.0;
    a_remainder_of_constants_has_the_sign_that_fmod_says: "ts-mod-fmod", 40.0;
    /// Slices backwards, transposes and reshapes of whole numbers.
    amounts_of_padding_are_computed_by_a_dozen_operators: "ts-pad-chain-reflectionpad", 36.0;
    /// A norm that is kept from zero by 1e-12 had bytes of zero, and the host divided by them.
    a_norm_that_is_never_zero_has_no_zeros: "divisor-next-to-zero", 30.0;
    /// The same behind a Clip of the machine: zero over a thousandth, where images are black.
    a_divisor_that_is_never_zero_has_no_zeros: "divisor-of-a-clip", 38.0;
    /// The noise of a channel without any is infinitely small, which the manifest had no number for.
    a_channel_may_be_without_noise: "channel-without-noise", 30.0;
    /// The copy that is multiplied by the second byte of a weight had a scale of its own.
    what_is_read_twice_has_one_scale: "nine-bit-weights-behind-a-reshape", 300.0;
    /// Of two functions of one name the first was taken.
    functions_of_one_name_are_told_apart_by_their_overload: "function-overloads", 40.0;
    /// What is padded with is a DequantizeLinear of a constant.
    padding_may_be_a_quantised_number: "padded-with-a-quantised-number", 300.0;
    /// Whole numbers of a QuantizeLinear, multiplied less another zero point than they were made with, with a scale
    /// of one.
    products_of_integers_have_zero_points_of_their_own: "integer-products-of-other-zeros", 37.0;
    /// The weights took the scale of one reader, and the other one saw it.
    sums_of_integers_may_be_read_twice: "integer-sums-read-twice", 38.0;
    matrix_products_of_integers_are_matrix_products: "integer-matrix-product", 40.0;
    /// What the host pools was rounded with calibration's range in front of the pool, and once more behind it.
    a_rounding_comes_after_what_is_in_front_of_it: "pooled-before-it-is-rounded", 300.0;
    /// Elements that are cut, joined, padded, compared and turned are those that the machine is given.
    elements_that_only_move_have_the_scale_behind: "moved-before-it-is-rounded", 300.0;
    infinity_is_the_end_of_a_range: "reciprocal-of-zero", 300.0;
    /// With a zero point of 0 the prediction looked the table up at a negative zero.
    no_zero_of_a_table_is_negative: "reciprocal-of-a-byte-of-zero", 300.0;
    coefficients_of_more_than_8_bits_are_the_hosts: "bicubic-of-bytes", 300.0;
    /// Squares, powers, exponentials and a constant of its own for every element had 8 bits of calibration's range.
    functions_are_not_rounded_on_the_way: "functions-between-roundings", 300.0;
    /// Beside it the constant whole numbers of a Shape are an output.
    padding_may_be_a_number_that_is_quantised_here: "padded-behind-a-rounding", 300.0;
    /// Values of 16 bits, and a function of them that is rounded to 8.
    the_host_rounds_to_bytes_too: "host-rounds-too", 300.0;
    /// Elements of INT4 and UINT4, two in a byte, with a scale and a zero point for each channel.
    four_bits_are_halves_of_bytes: "four-bit-weights", 300.0;
    /// QuantizeLinear to a zero point of 4 bits.
    weights_are_quantised_to_four_bits: "four-bit-weights-quantised-here", 300.0;
    activations_of_four_bits_are_clipped_bytes: "four-bit-activations", 300.0;
    /// What a quantised model pads with is one of its integers, as ONNX Runtime writes it without DequantizeLinear.
    bytes_are_padded_with_a_byte: "bytes-padded-with-a-byte", 300.0;
    bytes_are_padded_with_those_beside: "bytes-padded-with-themselves", 300.0;
    /// Only turned before its own QuantizeLinear, and far beyond what calibration has.
    an_input_keeps_the_range_of_its_own_scale: "turned-before-its-own-scale", 300.0;
    /// What is padded with, joined and then compared with made the range of what is taken.
    the_lowest_number_below_a_maximum_needs_no_range: "lowest-joined-in-front-of-a-maximum", 38.0;
    the_lowest_number_below_a_relu_needs_no_range: "lowest-in-front-of-a-relu", 30.0;
    the_lowest_constant_below_a_maximum_needs_no_range: "lowest-constant-in-front-of-a-maximum", 38.0;
    the_highest_number_above_a_minimum_needs_no_range: "highest-in-front-of-a-minimum", 34.0;
    /// Behind a function that is flat there.
    the_lowest_number_of_a_sigmoid_needs_no_range: "lowest-in-front-of-a-sigmoid", 34.0;
    infinities_are_padded_with: "infinity-padded-in-front-of-a-maximum", 38.0;
    an_empty_range_of_a_clip_is_its_maximum: "clip-of-an-empty-range", 50.0;
    /// Every value is computed in float32.
    a_model_may_be_of_float16: "float16-model", 35.0;
    a_model_may_be_of_float64: "float64-model", 30.0;
    /// ONNX Runtime divides by the whole window where padding counts, ONNX's own operator by what ceil_mode leaves of it.
    a_mean_of_bytes_counts_what_is_cut_off: "mean-of-bytes-counts-what-is-cut-off", 300.0;
    /// Of opset 11, whose own Softmax runs from the second axis on.
    a_softmax_of_bytes_runs_along_the_last_axis: "softmax-of-bytes-along-the-last-axis", 300.0;
    /// The operands are copies, whose zero points nobody asked for, and lowering refused them with its own words.
    products_of_turned_bytes_have_their_zero_points: "product-of-turned-bytes", 300.0;
    /// Bytes had the range of what the clamp cuts off.
    functions_of_what_the_host_computes_are_the_hosts: "clip-behind-a-normalisation", 40.0;
    /// A clamp at 1e-12 could not be made in 16 bits.
    a_choice_of_16_bits_refuses_nothing: "auto-refuses-int8-runs", 35.0;
}

/// What the host has of a case.
fn left_to_the_host(case: &str) -> Vec<HostOperator> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(case);
    let model = Model::read(&folder).unwrap();
    let calibration = model.calibration(None).unwrap();
    let config = Config::sized(9, 16);
    pipeline::compile(&model, &calibration, &Options::default(), &config).unwrap().network.host
}

/// Without a scale they were the host's, which is as exact.
#[test]
fn elements_that_only_move_have_the_scale_behind_on_the_machine() {
    assert_eq!(left_to_the_host("moved-before-it-is-rounded"), []);
}

/// Each border was a phase of its own, and the phases too many.
#[test]
fn interpolation_by_eight_is_the_machines() {
    assert_eq!(left_to_the_host("interpolation-by-eight"), []);
}

/// What calibration had of an input is of no interest where the model has a scale of its own for it, moved or not; where
/// it has none, it is.
#[test]
fn inputs_are_held_against_samples_where_samples_gave_the_range() {
    for (case, wanted) in [("turned-before-its-own-scale", 0), ("sub-x-conv-x", 1)] {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(case);
        let model = Model::read(&folder).unwrap();
        let calibration = model.calibration(None).unwrap();
        let config = Config::sized(9, 16);
        let network = pipeline::compile(&model, &calibration, &Options::default(), &config).unwrap().network;
        let far: Vec<_> = calibration[0].iter().map(|x| x.mapv(|x| 9.0 * x)).collect();
        let warnings = assurance::outside(&network, &far);
        assert_eq!(warnings.len(), wanted, "{case}: {warnings:?}");
    }
}

/// A sum between two terms had 8 bits of calibration's range: 40 % of the results were a step off.
#[test]
fn a_sum_of_three_is_rounded_once() {
    let decibels = decibels("sum-of-three-rounded-once", Precision::Auto);
    assert!(decibels.iter().all(|db| *db >= 300.0), "{decibels:.1?}");
}

/// Of every case that came quantised: the graph without its conversions is held against the model itself.
#[test]
fn quantised_cases_are_their_models() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut checked = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let case = entry.unwrap().path();
        if !case.join("model.onnx").is_file() {
            continue;
        }
        let Some(model) = Model::read(&case).ok().filter(|model| model.graph.is_quantised()) else {
            continue;
        };
        let calibration = model.calibration(None).unwrap();
        let input = model::samples(&model.graph, &model.beside("input_0.npy")).unwrap().remove(0);
        let config = Config::sized(9, 16);
        let compiled = pipeline::compile(&model, &calibration, &Options::default(), &config).unwrap();
        let (proof, _) = proof::verify(&model, &compiled, &input, &proof::Options::default()).unwrap();
        let assurance = proof.assurance.as_ref().unwrap();
        assert!(
            proof.holds(),
            "{}: {:?} {:?}",
            case.display(),
            assurance.first_rung.findings,
            assurance.rewrites
        );
        // What the host rounds was left out of the prediction, and the table's zeros were negative.
        let noisy = assurance.predicted.iter().any(|quality| quality.sqnr_db.is_some_and(|db| db < 30.0));
        assert!(!(proof.exact && noisy), "{}: {:?}", case.display(), assurance.predicted);
        checked += 1;
    }
    assert!(checked > 10, "{checked}");
}

/// A number that is none is said to be one, and where it begins, as in float.
#[test]
fn zero_by_zero_is_no_difference() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/zero-by-zero-rounded");
    let model = Model::read(&folder).unwrap();
    let calibration = model.calibration(None).unwrap();
    let input = model::samples(&model.graph, &model.beside("input_0.npy")).unwrap().remove(0);
    let compiled =
        pipeline::compile(&model, &calibration, &Options::default(), &Config::sized(4, 4)).unwrap();
    let (proof, _) = proof::verify(&model, &compiled, &input, &proof::Options::default()).unwrap();
    assert!(proof.holds());
    let begins = proof.not_finite[0].begins.as_ref().unwrap();
    assert_eq!((proof.not_finite[0].differ, begins.node.as_str()), (0, "quotient"));
}

/// What calibration has no finite numbers of, and no output sees, was refused; the host has it in float.
#[test]
fn numbers_that_are_not_chosen_need_not_be_finite() {
    for case in ["logarithm-not-chosen", "root-not-chosen", "power-not-chosen"] {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(case);
        let model = Model::read(&folder).unwrap();
        let calibration = model.calibration(None).unwrap();
        let input = model::samples(&model.graph, &model.beside("input_0.npy")).unwrap().remove(0);
        let config = Config::sized(9, 16);
        let compiled = pipeline::compile(&model, &calibration, &Options::default(), &config).unwrap();
        assert!(compiled.network.host.iter().any(|op| op.why.contains("infinities")), "{case}");
        let (proof, _) = proof::verify(&model, &compiled, &input, &proof::Options::default()).unwrap();
        assert!(proof.holds() && proof.not_finite.is_empty(), "{case}: {proof:?}");
        assert!(proof.sqnr_db.is_none_or(|db| db > 25.0), "{case}: {:?}", proof.sqnr_db);
    }
}

/// 8 bits leave many of the largest two of five numbers alike. The first calibration sample came out above the
/// floor and the others below it, so that the default kept 8.
#[test]
fn the_default_is_judged_by_more_than_one_sample() {
    let decibels = decibels("missing-ops-argmax", Precision::Auto);
    assert!(decibels[0] >= 30.0, "{decibels:.1?}");
}

/// Rounding every value in float leaves more than 34 dB, fused sums of 8 bits 24: less than is good, more than
/// what drowns.
#[test]
fn the_default_is_no_worse_than_rounding_alone() {
    for case in ["sum-cancels", "difference-of-nearly-alike"] {
        let decibels = decibels(case, Precision::Auto);
        assert!(decibels[0] >= 30.0, "{case}: {decibels:.1?}");
    }
}

/// ONNX Runtime's static quantiser keeps a power, slopes for each channel and a quotient in float, and leaves as many
/// decibels as are told here. Counted as rounded they let 2 to 6 less pass for what 8 bits leave.
#[test]
fn the_default_is_no_worse_than_rounding_what_quantisers_round() {
    let cases = [
        ("power-behind-a-convolution", 33.7),
        ("slopes-behind-a-minimum", 30.3),
        ("quotient-by-an-exponential", 28.2),
    ];
    for (case, quantised) in cases {
        let decibels = decibels(case, Precision::Auto);
        assert!(decibels[0] >= f64::min(30.0, quantised - 1.0), "{case}: {decibels:.1?}");
    }
}

/// What the machine makes of a model in `relay` on the samples of another, and the model.
fn simulated(file: &str, samples: &str) -> (Vec<ndarray::ArrayD<f32>>, Model) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/relay");
    let model = Model::read(&folder.join(file)).unwrap();
    let calibration = model.calibration(Some(&folder.join(format!("{samples}.calib.npz")))).unwrap();
    let input = model::samples(&model.graph, &folder.join(format!("{samples}.input.npy"))).unwrap().remove(0);
    let config = Config::sized(9, 16);
    let compiled = pipeline::compile(&model, &calibration, &Options::default(), &config).unwrap();
    (proof::simulate(&compiled, &input).unwrap().outputs, model)
}

/// Decibels of every output of a model in `relay`, against what TVM's executor stored of it.
fn against_tvm(name: &str) -> Vec<f64> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/relay");
    let outputs = simulated(&format!("{name}.relay"), name).0;
    let one = |(i, got): (usize, &ndarray::ArrayD<f32>)| {
        let stored = npy::read_npy(&folder.join(format!("{name}.output_{i}.npy"))).unwrap().to_ndarray();
        sqnr_db(&stored, got)
    };
    outputs.iter().enumerate().map(one).collect()
}

/// Maximum on the int32 sums of a convolution, each channel with its own scale.
#[test]
fn bounds_of_int32_sums_are_those_of_what_they_stand_for() {
    let decibels = against_tvm("fq2i_relu_maximum");
    assert!(decibels[0] > 300.0, "{decibels:.1?}");
}

/// Slopes are made by broadcast_to_like and belong to flattened elements; attributes of cumsum lie in the metadata.
#[test]
fn computed_slopes_and_kept_attributes_are_read() {
    for (name, least) in [("prelu_broadcast_to_like", 43.0), ("attrs_in_metadata", 33.0)] {
        let decibels = against_tvm(name);
        assert!(decibels[0] > least, "{name}: {decibels:.1?}");
    }
}

/// FakeQuantizationToInteger's text gives what the text that it was made of gives, and what TVM gives but for steps that
/// TVM cuts off means.
#[test]
fn integers_of_a_quantised_network_are_the_network() {
    for name in ["fq2i_zero", "fq2i_uint8"] {
        let (integers, _) = simulated(&format!("{name}.relay"), name);
        let (quantised, _) = simulated(&format!("{name}_qdq.relay"), name);
        assert_eq!(integers, quantised, "{name}");
        let decibels = against_tvm(name);
        assert!(decibels.iter().all(|db| *db > 35.0), "{name}: {decibels:.1?}");
    }
}

/// The only output of a model in `relay`, and its decibels against the float reference.
fn relay(file: &str) -> (ndarray::ArrayD<f32>, f64) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/relay").join(file);
    let (mut outputs, model) = simulated(file, path.file_stem().unwrap().to_str().unwrap());
    let got = outputs.remove(0);
    let input = model::samples(&model.graph, &path.with_extension("input.npy")).unwrap().remove(0);
    let want = tilewright_compiler::float::run(&model.imported, &input).unwrap().remove(0);
    let db = sqnr_db(&want, &got);
    (got, db)
}

/// The softmax had 8 bits and the logarithm took them apart: its smallest numbers are what matters.
#[test]
fn the_logarithm_of_a_softmax_is_a_log_softmax() {
    let (_, db) = relay("log_of_softmax.relay");
    assert!(db > 40.0, "{db:.1} dB");
}

/// TVM's text has the lowest float32 with six digits.
#[test]
fn padding_with_the_lowest_float32_in_front_of_a_maximum_is_no_value() {
    let (_, db) = relay("pad_lowest_maxpool.relay");
    assert!(db > 40.0, "{db:.1} dB");
}

/// The bias is added to the convolution after an operator that reads its integers.
#[test]
fn a_dequantised_bias_joins_its_convolution_in_relay_as_in_onnx() {
    let ((relay, db), (onnx, _)) = (relay("qdq_bias_conv.relay"), relay("qdq_bias_conv.onnx"));
    assert_eq!(relay, onnx);
    assert!(db > 60.0, "{db:.1} dB");
}

/// Both were called by the name of the first.
#[test]
fn outputs_of_one_value_have_two_names() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/outputs-of-one-value");
    let graph = Model::read(&folder).unwrap().graph;
    let names: Vec<&str> = graph.outputs.iter().map(|&id| graph.value(id).name.as_str()).collect();
    assert_eq!(names, ["p", "q"]);
}
