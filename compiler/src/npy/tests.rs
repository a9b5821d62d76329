//! Against files that numpy wrote (bytes pasted here) and against damage.

use proptest::prelude::*;

use super::zip::crc32;
use super::*;

/// A file as numpy 1.26 lays it out.
fn file(descr: &str, fortran: &str, shape: &str, body: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
    let length = (text.len() + 1) as u16;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(length.to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.push(b'\n');
    bytes.extend(body);
    bytes
}

#[test]
fn reads_every_element_type() {
    let rows = [
        ("<f4", &[0, 0, 128, 63][..], ArrayData::F32(vec![1.0])),
        (">f4", &[63, 128, 0, 0], ArrayData::F32(vec![1.0])),
        ("<f8", &[0, 0, 0, 0, 0, 0, 0, 192], ArrayData::F64(vec![-2.0])),
        ("|u1", &[200], ArrayData::U8(vec![200])),
        ("|b1", &[1], ArrayData::Bool(vec![1])),
        ("<f2", &[0x55, 0x35], ArrayData::F32(vec![0.333_251_95])),
        (">i2", &[0xff, 0xfe], ArrayData::I32(vec![-2])),
        ("<u2", &[0xff, 0xff], ArrayData::I32(vec![65535])),
        ("<u4", &[0xff, 0xff, 0xff, 0xff], ArrayData::I64(vec![4_294_967_295])),
        ("|i1", &[0xfe], ArrayData::I8(vec![-2])),
        ("<i4", &[0xff, 0xff, 0xff, 0xff], ArrayData::I32(vec![-1])),
        ("<i8", &[3, 0, 0, 0, 0, 0, 0, 0], ArrayData::I64(vec![3])),
    ];
    for (descr, body, data) in rows {
        let array = parse_npy(&file(descr, "False", "(1,)", body)).unwrap();
        assert_eq!(array, Array { shape: vec![1], data });
    }
    let scalar = parse_npy(&file("|u1", "False", "()", &[7])).unwrap();
    assert_eq!(scalar.shape, [0; 0]);
    assert_eq!(scalar.to_f32(), [7.0]);
}

#[test]
fn fortran_order_becomes_row_major() {
    // numpy.asfortranarray([[1, 2, 3], [4, 5, 6]]) stores its columns.
    let array = parse_npy(&file("|u1", "True", "(2, 3)", &[1, 4, 2, 5, 3, 6])).unwrap();
    assert_eq!(array.data, ArrayData::U8(vec![1, 2, 3, 4, 5, 6]));
}

#[test]
fn writes_what_it_reads_and_aligns_like_numpy() {
    let bytes = npy_f32(&[2, 2], &[1.0, -0.0, f32::MIN_POSITIVE, f32::INFINITY]);
    assert_eq!(bytes.len(), 128 + 16);
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
    assert_eq!(&bytes[10..10 + text.len()], text.as_bytes());
    assert_eq!(bytes[127], b'\n');
    let back = parse_npy(&bytes).unwrap();
    assert_eq!(back.shape, [2, 2]);
    assert_eq!(back.to_f32(), [1.0, 0.0, f32::MIN_POSITIVE, f32::INFINITY]);
    let bytes = npy_u8(&[3], &[1, 2, 3]);
    assert_eq!(parse_npy(&bytes).unwrap().data, ArrayData::U8(vec![1, 2, 3]));
}

#[test]
fn refuses_what_does_not_fit() {
    let good = file("|u1", "False", "(2,)", &[1, 2]);
    assert!(parse_npy(&good).is_ok());
    let rows = [
        file("|u1", "False", "(3,)", &[1, 2]),
        file("|u1", "False", "(18446744073709551615, 2)", &[1, 2]),
        file("|u1", "False", "(-2,)", &[1, 2]),
        file("<c8", "False", "(2,)", &[1, 2]),
        file("|O", "False", "(2,)", &[1, 2]),
        file("|b1", "False", "(2,)", &[1, 2]),
        file("|u1", "Maybe", "(2,)", &[1, 2]),
        file("|u1", "False", "2", &[1, 2]),
        b"PK".to_vec(),
    ];
    for (row, bytes) in rows.iter().enumerate() {
        assert!(parse_npy(bytes).is_err(), "row {row}");
    }
}

/// numpy.savez_compressed(a=numpy.arange(40, dtype='u1') % 3, b=numpy.float32(1.5)), by numpy.
const COMPRESSED: &[u8] = include_bytes!("compressed.npz");
/// The same by numpy.savez.
const STORED: &[u8] = include_bytes!("stored.npz");

#[test]
fn reads_archives_that_numpy_wrote() {
    for bytes in [STORED, COMPRESSED] {
        let arrays = parse_npz(bytes).unwrap();
        assert_eq!(arrays.len(), 2);
        assert_eq!(arrays[0].0, "a");
        let expected: Vec<u8> = (0..40).map(|i| i % 3).collect();
        assert_eq!(arrays[0].1.data, ArrayData::U8(expected));
        assert_eq!(arrays[1].0, "b");
        assert_eq!(arrays[1].1.to_f32(), [1.5]);
    }
}

#[test]
fn numbers_are_exact_or_refused() {
    let exact = |data| Array { shape: vec![1], data }.exact_f32();
    assert_eq!(exact(ArrayData::I64(vec![1 << 24])).unwrap(), [16_777_216.0]);
    assert_eq!(exact(ArrayData::I64(vec![i64::MIN])).unwrap(), [-9.223_372e18]);
    assert_eq!(exact(ArrayData::F64(vec![0.1])).unwrap(), [0.1]);
    let lost = [
        ArrayData::I64(vec![(1 << 24) + 1]),
        ArrayData::I64(vec![i64::MAX]),
        ArrayData::I32(vec![i32::MAX]),
        ArrayData::F64(vec![-1e300]),
    ];
    for data in lost {
        let e = exact(data.clone()).unwrap_err().to_string();
        assert!(e.contains("float32"), "{data:?}: {e}");
    }
}

/// The stored archive with its member `b` renamed to `a`.
#[test]
fn a_name_twice_is_refused() {
    let mut twice = STORED.to_vec();
    for at in 0..twice.len() - 5 {
        if twice[at..].starts_with(b"b.npy") {
            twice[at] = b'a';
        }
    }
    let e = parse_npz(&twice).unwrap_err().to_string();
    assert!(e.contains("\"a\" twice"), "{e}");
}

#[test]
fn archives_tell_shapes_before_they_unpack() {
    for bytes in [STORED, COMPRESSED] {
        let archive = Archive::new(bytes.to_vec()).unwrap();
        assert!(archive.names().eq(["a", "b"]));
        assert_eq!(archive.shape("a").unwrap(), [40]);
        assert_eq!(archive.shape("b").unwrap(), [0; 0]);
        assert_eq!(archive.read("b").unwrap().to_f32(), [1.5]);
        assert!(archive.shape("c").is_err() && archive.read("c").is_err());
    }
}

/// The check value of the CRC catalogue.
#[test]
fn checksum_is_the_standard_one() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}

#[test]
fn a_flipped_element_is_noticed() {
    let at = STORED.windows(4).position(|w| w == [0, 1, 2, 0]).unwrap();
    let mut damaged = STORED.to_vec();
    damaged[at] ^= 1;
    let e = parse_npz(&damaged).unwrap_err().to_string();
    assert!(e.contains("checksum") && e.contains("\"a\""), "{e}");
}

#[test]
fn every_truncation_is_survived() {
    for bytes in [STORED, COMPRESSED] {
        for end in 0..bytes.len() {
            assert!(parse_npz(&bytes[..end]).is_err());
        }
    }
    let npy = npy_f32(&[2, 2], &[0.0; 4]);
    for end in 0..npy.len() {
        assert!(parse_npy(&npy[..end]).is_err());
    }
}

proptest! {
    #![proptest_config(crate::testing::same_cases(2000))]

    #[test]
    fn damage_is_survived(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        stored: bool,
    ) {
        let mut bytes = if stored { STORED } else { COMPRESSED }.to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = parse_npz(&bytes);
    }

    #[test]
    fn damaged_headers_are_survived(at in 0usize..80, byte: u8) {
        let mut bytes = npy_f32(&[2, 2], &[0.0; 4]);
        bytes[at] = byte;
        let _ = parse_npy(&bytes);
    }

    #[test]
    fn floats_survive_the_round_trip(data in prop::collection::vec(any::<f32>(), 0..20)) {
        let back = parse_npy(&npy_f32(&[data.len()], &data)).unwrap().to_f32();
        let bits = |v: &[f32]| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&back), bits(&data));
    }
}

/// Python reads it too: `numpy.load` of these bytes was tried once.
#[test]
fn written_archives_read_back() {
    let names = ["x", "a/b: c", "größe"];
    let array = |n: usize| npy_f32(&[n, 2], &(0..2 * n).map(|i| i as f32).collect::<Vec<_>>());
    let bytes = npz(names.iter().enumerate().map(|(n, name)| (name.to_string(), array(n))).collect());
    let arrays = parse_npz(&bytes).unwrap();
    assert_eq!(arrays.len(), names.len());
    for (n, ((name, read), wanted)) in arrays.iter().zip(names).enumerate() {
        assert_eq!((name.as_str(), &read.shape), (wanted, &vec![n, 2]));
        assert_eq!(read.to_f32(), (0..2 * n).map(|i| i as f32).collect::<Vec<_>>());
    }
    assert!(parse_npz(&npz(vec![])).unwrap().is_empty());
}
