//! What tensors of a model file are read as.

use super::super::proto::StringStringEntryProto;
use super::*;

/// Bit patterns from the IEEE 754 tables.
#[test]
fn converts_sixteen_bit_floats() {
    let rows = [
        (0x3c00, 1.0),
        (0xc000, -2.0),
        (0x7bff, 65504.0),
        (0x0001, 5.960_464_5e-8),
        (0x0400, 6.103_515_6e-5),
        (0x3555, 0.333_251_95),
        (0x7c00, f32::INFINITY),
    ];
    for (bits, value) in rows {
        assert_eq!(half(bits), value, "{bits:#x}");
    }
    assert!(half(0x7e00).is_nan());
    assert_eq!(bfloat(0x3fc0), 1.5);
}

#[test]
fn reads_every_storage() {
    let base = TensorProto { dims: vec![2], ..TensorProto::default() };
    let rows = [
        TensorProto {
            data_type: data_type::FLOAT,
            raw_data: Some([1f32.to_le_bytes(), (-2f32).to_le_bytes()].concat()),
            ..base.clone()
        },
        TensorProto { data_type: data_type::FLOAT, float_data: vec![1.0, -2.0], ..base.clone() },
        TensorProto { data_type: data_type::DOUBLE, double_data: vec![1.0, -2.0], ..base.clone() },
        TensorProto { data_type: data_type::FLOAT16, int32_data: vec![0x3c00, 0xc000], ..base.clone() },
    ];
    for row in rows {
        assert_eq!(decode(&row, None).unwrap(), Tensor::floats(vec![2], vec![1.0, -2.0]));
    }
    let ints = TensorProto { data_type: data_type::INT8, raw_data: Some(vec![0xff, 3]), ..base };
    let integer = Some(Integer::Int8);
    assert_eq!(decode(&ints, None).unwrap(), Tensor { integer, ..Tensor::ints(vec![2], vec![-1, 3]) });
}

/// As the ONNX text has them: two in a byte, the first in the low bits, the last one perhaps alone.
#[test]
fn four_bits_are_halves_of_bytes() {
    let base = TensorProto { dims: vec![3], ..TensorProto::default() };
    for (code, integer, want) in [
        (data_type::INT4, Integer::Int8, vec![-8, 7, -1]),
        (data_type::UINT4, Integer::Uint8, vec![8, 7, 15]),
    ] {
        let want = Tensor { integer: Some(integer), four_bits: true, ..Tensor::ints(vec![3], want) };
        let raw = TensorProto { data_type: code, raw_data: Some(vec![0x78, 0xaf]), ..base.clone() };
        let fields = TensorProto { data_type: code, int32_data: vec![0x78, 0xaf], ..base.clone() };
        for tensor in [raw, fields] {
            assert_eq!(decode(&tensor, None).unwrap(), want);
            for dims in [vec![2], vec![5], vec![]] {
                assert!(decode(&TensorProto { dims, ..tensor.clone() }, None).is_err());
            }
        }
    }
}

#[test]
fn refuses_data_that_does_not_fill_the_shape() {
    let short = |dims: Vec<i64>| TensorProto {
        dims,
        data_type: data_type::FLOAT,
        float_data: vec![0.0; 3],
        ..TensorProto::default()
    };
    assert!(decode(&short(vec![3]), None).is_ok());
    for dims in [vec![4], vec![-3], vec![i64::MAX, i64::MAX], vec![]] {
        assert!(decode(&short(dims.clone()), None).is_err(), "{dims:?}");
    }
}

#[test]
fn external_files_stay_in_the_folder_and_in_range() {
    let folder = std::env::temp_dir().join(format!("tilewright-ext-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let bytes: Vec<u8> = (0..4).flat_map(|i| (i as f32).to_le_bytes()).collect();
    std::fs::write(folder.join("w.bin"), bytes).unwrap();
    let tensor = |location: &str, offset: &str, length: &str| TensorProto {
        dims: vec![2],
        data_type: data_type::FLOAT,
        data_location: 1,
        external_data: [("location", location), ("offset", offset), ("length", length)]
            .iter()
            .filter(|(_, v)| !v.is_empty())
            .map(|(k, v)| StringStringEntryProto { key: (*k).to_owned(), value: (*v).to_owned() })
            .collect(),
        ..TensorProto::default()
    };
    let read = |l, o, n| decode(&tensor(l, o, n), Some(&folder));
    assert_eq!(read("w.bin", "4", "8").unwrap(), Tensor::floats(vec![2], vec![1.0, 2.0]));
    assert_eq!(read("./w.bin", "8", "").unwrap(), Tensor::floats(vec![2], vec![2.0, 3.0]));
    let refused = [
        ("w.bin", "12", "8"),
        ("w.bin", "18446744073709551615", "8"),
        ("w.bin", "4", "4"),
        ("w.bin", "-4", "8"),
        ("../w.bin", "", ""),
        ("/etc/passwd", "", ""),
        ("missing.bin", "", ""),
        (".", "", ""),
        ("", "", ""),
    ];
    for (l, o, n) in refused {
        assert!(read(l, o, n).is_err(), "{l} {o} {n}");
    }
    assert!(decode(&tensor("w.bin", "4", "8"), None).is_err());
    #[cfg(unix)]
    {
        let link = folder.join("link.bin");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        let e = read("link.bin", "", "8").unwrap_err();
        assert!(e.to_string().contains("leaves"), "{e}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
