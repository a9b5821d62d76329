//! Names that Verilog takes.

/// Names that Verilog or SystemVerilog keeps for itself and that a block could think of.
const KEYWORDS: &str = "always and assign begin bit buf byte case clock do edge else end event final for force function if \
     initial input inside int integer join local logic module nand new nor not null or output packed \
     parameter priority program property rand real ref reg release repeat sequence signed small solve \
     static string strong struct super supply table tagged task this time tri type union unique unsigned \
     use var vectored virtual void wait weak while wire with within xnor xor";

/// Refuses a name that Verilog does not take.
///
/// # Panics
/// Such a name.
pub(super) fn check_name(name: &str) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let first = name.chars().next().is_some_and(|c| c.is_ascii_lowercase());
    assert!(
        first && name.chars().all(plain) && !KEYWORDS.split(' ').any(|word| word == name),
        "{name} cannot be a Verilog name"
    );
}
