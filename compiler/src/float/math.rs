//! The mathematical functions of everything that decides bytes, in Rust.
//!
//! The methods of `f32` and `f64` ask the C library, which picks by the processor among variants that
//! differ in the last bit. These give the same bits everywhere, and `clippy.toml` refuses the methods.
//! What IEEE 754 rounds exactly (square roots, roundings, remainders) needs no function of its own. All work in
//! float64; who needs float32 rounds once.

pub use libm::{cos, exp, expm1, log, log1p, log10, pow, sin, tanh};

pub(crate) use libm::{acos, acosh, asin, asinh, atan, atanh, cosh, erf, sinh, tan};

/// 1 / (1 + exp(-x)).
pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}

/// ln(1 + exp(x)), without overflow.
pub(crate) fn softplus(x: f64) -> f64 {
    x.max(0.0) + log1p(exp(-x.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Function = fn(f64) -> f64;

    /// Values worked out with 90 digits: each function is within one unit in the last place.
    #[test]
    fn functions_by_table() {
        let rows: [(Function, &[(f64, f64)]); 18] = [
            (exp, &[(-20.0, 2.061153622438558e-09), (0.7, 2.0137527074704766), (5.5, 244.69193226422038)]),
            (expm1, &[(-3.0, -0.950212931632136), (-0.001, -0.0009995001666250085)]),
            (log, &[(0.003, -5.809142990314028), (0.9, -0.10536051565782628), (7.25, 1.9810014688665833)]),
            (log1p, &[(-0.4, -0.5108256237659907), (1e-05, 9.999950000333332e-06)]),
            (log10, &[(0.02, -1.6989700043360187), (31.5, 1.4983105537896004)]),
            (tanh, &[(-2.5, -0.9866142981514303), (0.01, 0.00999966667999946), (0.8, 0.664036770267849)]),
            (sin, &[(-4.0, 0.7568024953079282), (0.6, 0.5646424733950354), (100.0, -0.5063656411097588)]),
            (cos, &[(-4.0, -0.6536436208636119), (0.6, 0.8253356149096783), (100.0, 0.8623188722876839)]),
            (tan, &[(-4.0, -1.1578212823495775), (0.6, 0.6841368083416923), (1.5, 14.101419947171719)]),
            (asin, &[(-0.9, -1.1197695149986342), (0.3, 0.3046926540153975)]),
            (acos, &[(-0.9, 2.6905658417935308), (0.3, 1.2661036727794992)]),
            (atan, &[(-3.0, -1.2490457723982544), (0.4, 0.3805063771123649)]),
            (sinh, &[(-3.0, -10.017874927409903), (0.2, 0.201336002541094)]),
            (cosh, &[(-3.0, 10.067661995777765), (0.2, 1.020066755619076)]),
            (asinh, &[(-30.0, -4.09462222433053), (0.4, 0.3900353197707153)]),
            (acosh, &[(1.5, 0.9624236501192069), (30.0, 4.0940666686320855)]),
            (atanh, &[(-0.9, -1.4722194895832204), (0.3, 0.3095196042031117)]),
            (erf, &[(-1.2, -0.9103139782296353), (0.3, 0.3286267594591274), (2.5, 0.999593047982555)]),
        ];
        let close = |got: f64, want: f64| got.to_bits().abs_diff(want.to_bits()) <= 1;
        for (number, (function, points)) in rows.iter().enumerate() {
            for &(x, want) in *points {
                assert!(close(function(x), want), "function {number} of {x}: {} {want}", function(x));
            }
        }
        assert!(close(pow(0.3, 1.7), 0.12915348607498026));
        assert!(close(pow(2.5, -0.75), 0.5029733718731741));
        assert!(close(sigmoid(1.3), 1.0 / 1.2725317930340126));
        assert_eq!(softplus(-800.0), 0.0);
        assert_eq!(softplus(800.0), 800.0);
    }

    /// Of every function the bits over a range of numbers, hashed: the C library's differ in some of them.
    #[test]
    fn bits_are_the_same_everywhere() {
        let rows: [(&str, Function, u64); 21] = [
            ("acos", acos, 0x093e_feef_b28e_1722),
            ("acosh", acosh, 0xbcca_3535_f57c_8be2),
            ("asin", asin, 0x86cc_7862_0075_0b01),
            ("asinh", asinh, 0x9d50_dec0_53fd_b3f1),
            ("atan", atan, 0x24e5_8aa4_0f18_2101),
            ("atanh", atanh, 0x9c61_1bf7_0a69_a967),
            ("cosh", cosh, 0x0828_b45c_7cff_c6d5),
            ("sinh", sinh, 0xda3e_f009_6c8e_9a77),
            ("tan", tan, 0xa441_0834_a3af_e4ec),
            ("cos", cos, 0x842d_8dc8_6bf0_4e87),
            ("erf", erf, 0xccb9_7eea_55df_d14a),
            ("exp", exp, 0xc26e_7249_eb3b_1b79),
            ("expm1", expm1, 0xad06_9aae_b687_a4ed),
            ("log", log, 0x0917_fda3_013f_e476),
            ("log1p", log1p, 0xfcd1_6992_3542_5a07),
            ("log10", log10, 0x9240_257f_ed67_afe2),
            ("pow", |x| pow(x.abs(), 0.37 * x), 0x113e_0d2a_d869_3272),
            ("sigmoid", sigmoid, 0x728b_189d_3f54_3a3e),
            ("sin", sin, 0x792e_db68_4f89_7ba5),
            ("softplus", softplus, 0x45a2_9fdc_3d2d_7e81),
            ("tanh", tanh, 0x86e7_fcae_690f_6cdd),
        ];
        for (name, function, want) in rows {
            // What is no number has a sign that differs from processor to processor.
            let results = (-4000..4000).map(|i| function(f64::from(i) * 0.0037)).filter(|y| !y.is_nan());
            let hash = results.fold(0xcbf2_9ce4_8422_2325, |hash: u64, y| {
                (hash ^ y.to_bits()).wrapping_mul(0x0100_0000_01b3).rotate_left(29)
            });
            assert_eq!(hash, want, "{name}: {hash:#x}");
        }
    }

    #[test]
    fn ends_of_the_range() {
        assert_eq!([erf(f64::INFINITY), tanh(f64::NEG_INFINITY), exp(f64::NEG_INFINITY)], [1.0, -1.0, 0.0]);
        assert_eq!([log(0.0), pow(0.0, -1.0), pow(-2.0, 3.0)], [f64::NEG_INFINITY, f64::INFINITY, -8.0]);
        assert!([erf(f64::NAN), tanh(f64::NAN), log(-1.0), pow(-2.0, 0.5)].iter().all(|y| y.is_nan()));
    }
}
