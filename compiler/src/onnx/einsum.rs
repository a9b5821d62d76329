//! Einsum: matrix products between transpositions, two operands at a time.

use super::call::Call;
use crate::error::Result;
use crate::graph::{Op, ReduceKind, ValueId};

/// An operand: its value and a letter for each axis.
struct Term {
    id: ValueId,
    letters: Vec<char>,
}

/// Einsum.
pub(super) fn einsum(call: &mut Call) -> Result<()> {
    let inputs = call.values(1..)?;
    let mut equation: String = call.string("equation", "")?.chars().filter(|c| !c.is_whitespace()).collect();
    let ranks: Vec<usize> = inputs.iter().map(|&id| call.shape_of(id).len()).collect();
    if let Some(spelled) = spelled(&equation, &ranks) {
        equation = spelled;
    }
    let wrong = |call: &Call, why: &str| call.refuse("equation", format!("{equation:?} {why}"));
    let (read, made) = match equation.split_once("->") {
        Some((read, made)) => (read, made.chars().collect::<Vec<_>>()),
        None => {
            // Without a result: the letters that stand once, in alphabetical order.
            let once = |c: &char| c.is_alphabetic() && equation.matches(*c).count() == 1;
            let mut made: Vec<char> = equation.chars().filter(once).collect();
            made.sort_unstable();
            (equation.as_str(), made)
        }
    };
    let parts: Vec<Vec<char>> = read.split(',').map(|part| part.chars().collect()).collect();
    let repeats = |letters: &[char]| (1..letters.len()).any(|i| letters[..i].contains(&letters[i]));
    if parts.iter().chain([&made]).any(|p| !p.iter().all(|c| c.is_alphabetic()) || repeats(p)) {
        return wrong(call, "has a letter twice in one operand, which is not supported");
    }
    if parts.len() != inputs.len()
        || parts.iter().zip(&inputs).any(|(p, &id)| p.len() != call.shape_of(id).len())
    {
        return wrong(call, "does not fit the operands");
    }
    if made.iter().any(|c| !parts.iter().any(|p| p.contains(c))) {
        return wrong(call, "makes an axis that no operand has");
    }
    let mut terms = Vec::new();
    for (n, (letters, &id)) in parts.iter().zip(&inputs).enumerate() {
        let others =
            |c: &char| made.contains(c) || parts.iter().enumerate().any(|(m, p)| m != n && p.contains(c));
        terms.push(summed(call, Term { id, letters: letters.clone() }, &others)?);
    }
    let mut product = terms.remove(0);
    while !terms.is_empty() {
        let next = terms.remove(0);
        let differ = |c: &char| {
            next.letters.contains(c) && extents(call, &product, &[*c]) != extents(call, &next, &[*c])
        };
        if product.letters.iter().any(differ) {
            return wrong(call, "has axes of one letter and different extents");
        }
        // What later operands have must stay until then.
        let later = terms.iter().flat_map(|term| &term.letters);
        let stay: Vec<char> = made.iter().chain(later).copied().collect();
        product = multiplied(call, &product, &next, &stay)?;
    }
    let perm: Vec<usize> = made.iter().filter_map(|c| place(&product.letters, *c)).collect();
    if perm.is_sorted() && !inputs.contains(&product.id) {
        return call.result(product.id);
    }
    call.emit(Op::Transpose { perm }, &[product.id])
}

/// An equation with a letter of its own for each axis that an ellipsis stands for, counted from the last one; `None`
/// without an ellipsis, or where it does not fit.
fn spelled(equation: &str, ranks: &[usize]) -> Option<String> {
    if !equation.contains("...") {
        return None;
    }
    let (read, made) = equation.split_once("->").unzip();
    let read = read.unwrap_or(equation);
    let named = |part: &str| part.chars().filter(|&c| c != '.').count();
    // Letters that nobody writes in an equation.
    let letters = |count: usize| (0..count as u32).rev().filter_map(|n| char::from_u32('\u{3b1}' as u32 + n));
    let (mut parts, mut widest) = (Vec::new(), 0);
    for (n, part) in read.split(',').enumerate() {
        let count = ranks.get(n)?.checked_sub(named(part))?;
        if part.contains("...") {
            widest = widest.max(count);
        }
        parts.push(part.replacen("...", &letters(count).collect::<String>(), 1));
    }
    let rest: String = letters(widest).collect();
    let made = match made {
        Some(made) => made.replacen("...", &rest, 1),
        None => {
            let once = |c: &char| c.is_ascii_alphabetic() && read.matches(*c).count() == 1;
            let mut made: Vec<char> = read.chars().filter(once).collect();
            made.sort_unstable();
            rest.chars().chain(made).collect()
        }
    };
    // Greek letters reach to 24 axes; more than that no tensor has.
    (widest <= 24).then(|| format!("{}->{made}", parts.join(",")))
}

fn place(letters: &[char], c: char) -> Option<usize> {
    letters.iter().position(|l| *l == c)
}

/// The extents of a term along some letters.
fn extents(call: &Call, term: &Term, letters: &[char]) -> Vec<usize> {
    let shape = call.shape_of(term.id);
    letters.iter().filter_map(|c| place(&term.letters, *c)).map(|axis| shape[axis]).collect()
}

/// A term without the axes that nobody else wants: summed.
fn summed(call: &mut Call, term: Term, wanted: &dyn Fn(&char) -> bool) -> Result<Term> {
    let axes: Vec<usize> = (0..term.letters.len()).filter(|&i| !wanted(&term.letters[i])).collect();
    if axes.is_empty() {
        return Ok(term);
    }
    let op = Op::Reduce { kind: ReduceKind::Sum, axes, keepdims: false };
    let id = call.apply(op, &[term.id])?;
    Ok(Term { id, letters: term.letters.into_iter().filter(wanted).collect() })
}

/// The product of two terms, batch by batch: letters of both that stay, then those of a, then those of b.
fn multiplied(call: &mut Call, a: &Term, b: &Term, made: &[char]) -> Result<Term> {
    let of = |letters: &[char], both: bool, stays: bool, other: &[char]| -> Vec<char> {
        letters.iter().copied().filter(|c| other.contains(c) == both && made.contains(c) == stays).collect()
    };
    let (batch, inner) = (of(&a.letters, true, true, &b.letters), of(&a.letters, true, false, &b.letters));
    let (rows, columns) = (of(&a.letters, false, true, &b.letters), of(&b.letters, false, true, &a.letters));
    let count =
        |call: &Call, term: &Term, letters: &[char]| extents(call, term, letters).iter().product::<usize>();
    let mut sides = Vec::new();
    for (term, order) in [(a, [&batch, &rows, &inner]), (b, [&batch, &inner, &columns])] {
        let letters: Vec<char> = order.into_iter().flatten().copied().collect();
        let perm: Vec<usize> = letters.iter().filter_map(|c| place(&term.letters, *c)).collect();
        let mut id = term.id;
        if !perm.is_sorted() {
            id = call.apply(Op::Transpose { perm }, &[id])?;
        }
        let mut shape: Vec<usize> = order.iter().map(|part| count(call, term, part)).collect();
        if batch.is_empty() {
            shape.remove(0);
        }
        sides.push(if call.shape_of(id) == shape { id } else { call.reshaped(id, &shape)? });
    }
    let product = call.apply(Op::MatMul, &sides)?;
    let shape = [extents(call, a, &batch), extents(call, a, &rows), extents(call, b, &columns)].concat();
    let id = if call.shape_of(product) == shape { product } else { call.reshaped(product, &shape)? };
    Ok(Term { id, letters: [batch, rows, columns].concat() })
}
