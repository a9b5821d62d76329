//! Einsum of one or two operands: a matrix product between transpositions.

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
    let inputs = call.values(1, 2)?;
    let equation: String = call.string("equation", "")?.chars().filter(|c| !c.is_whitespace()).collect();
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
    if parts.iter().chain([&made]).any(|p| !p.iter().all(char::is_ascii_alphabetic) || repeats(p)) {
        return wrong(call, "has an ellipsis or a letter twice in one operand, which is not supported");
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
    let product = match terms.len() {
        1 => terms.remove(0),
        _ => {
            let (a, b) = (&terms[0], &terms[1]);
            let differ =
                |c: &char| b.letters.contains(c) && extents(call, a, &[*c]) != extents(call, b, &[*c]);
            if a.letters.iter().any(differ) {
                return wrong(call, "has axes of one letter and different extents");
            }
            multiplied(call, a, b, &made)?
        }
    };
    let perm: Vec<usize> = made.iter().filter_map(|c| place(&product.letters, *c)).collect();
    if perm.is_sorted() && !inputs.contains(&product.id) {
        return call.result(product.id);
    }
    call.emit(Op::Transpose { perm }, &[product.id])
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
