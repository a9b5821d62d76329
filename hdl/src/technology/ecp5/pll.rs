//! The dividers of an EHXPLLL, as the tool `ecppll` chooses them.

/// Frequencies of the oscillator inside, in megahertz.
const OSCILLATOR: std::ops::RangeInclusive<f64> = 400.0..=800.0;
/// And of what it is compared with.
const LEAST_COMPARED: f64 = 3.125;
/// Steps of a coarse phase.
const FINE: u32 = 8;

/// An EHXPLLL with a second output of the same frequency at another phase. The frequency is exact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pll {
    /// CLKI_DIV.
    pub input_divider: u32,
    /// CLKFB_DIV.
    pub feedback_divider: u32,
    /// CLKOP_DIV and CLKOS_DIV.
    pub output_divider: u32,
    /// CLKOP_CPHASE.
    pub coarse_phase: u32,
    /// CLKOS_CPHASE.
    pub second_coarse_phase: u32,
    /// CLKOS_FPHASE.
    pub second_fine_phase: u32,
}

impl Pll {
    /// From one frequency to another, in megahertz; `phase` in degrees. `None` where no dividers give it.
    pub fn new(from: f64, to: f64, phase: u32) -> Option<Pll> {
        let mut best: Option<(f64, Pll)> = None;
        for input_divider in (1..=128).take_while(|&n| from / f64::from(n) >= LEAST_COMPARED) {
            let feedback = to * f64::from(input_divider) / from;
            let feedback_divider = feedback.round() as u32;
            if (feedback - f64::from(feedback_divider)).abs() > 1e-6 || !(1..=80).contains(&feedback_divider)
            {
                continue;
            }
            for output_divider in (1..=128).filter(|&n| OSCILLATOR.contains(&(to * f64::from(n)))) {
                // In the middle of its range it is steadiest.
                let distance = (to * f64::from(output_divider) - 600.0).abs();
                if best.is_some_and(|(least, _)| least <= distance) {
                    continue;
                }
                let coarse_phase = (output_divider - 1) / 2;
                let steps = phase * output_divider * FINE / 360;
                let pll = Pll {
                    input_divider,
                    feedback_divider,
                    output_divider,
                    coarse_phase,
                    second_coarse_phase: coarse_phase + steps / FINE,
                    second_fine_phase: steps % FINE,
                };
                best = Some((distance, pll));
            }
        }
        best.map(|(_, pll)| pll)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `ecppll -i 25 -o F --clkout1 F --phase1 240` prints.
    #[test]
    fn dividers_are_those_of_ecppll() {
        for (mhz, want) in
            [(100.0, [1, 4, 6, 2, 6, 0]), (110.0, [5, 22, 5, 2, 5, 2]), (125.0, [1, 5, 5, 2, 5, 2])]
        {
            let pll = Pll::new(25.0, mhz, 240).expect("it can");
            let found = [
                pll.input_divider,
                pll.feedback_divider,
                pll.output_divider,
                pll.coarse_phase,
                pll.second_coarse_phase,
                pll.second_fine_phase,
            ];
            assert_eq!(found, want, "{mhz}");
        }
        assert_eq!(Pll::new(25.0, 101.37, 0), None);
    }
}
