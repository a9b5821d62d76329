//! As much of the zip format as `.npz` needs: the central directory, stored and deflated members.

use std::borrow::Cow;

use miniz_oxide::inflate::TINFLStatus;

use super::refuse;
use crate::error::Result;
use crate::memory;

/// A file in the archive, as the central directory describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Member {
    pub name: String,
    method: u16,
    crc: u32,
    stored_bytes: usize,
    /// Size when unpacked, as the directory declares it.
    pub bytes: usize,
    offset: usize,
}

/// Little-endian reads that end instead of panicking.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    fn number(&mut self, bytes: usize) -> Option<u64> {
        let head = self.take(bytes)?;
        Some(head.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b)))
    }

    fn size(&mut self, bytes: usize) -> Option<usize> {
        usize::try_from(self.number(bytes)?).ok()
    }
}

const END: &[u8] = b"PK\x05\x06";
const END_64_LOCATOR: &[u8] = b"PK\x06\x07";
const END_64: &[u8] = b"PK\x06\x06";
const DIRECTORY_ENTRY: &[u8] = b"PK\x01\x02";
const LOCAL_HEADER: &[u8] = b"PK\x03\x04";

/// Lists the members in the order of the central directory.
pub(super) fn members(bytes: &[u8]) -> Result<Vec<Member>> {
    match directory(bytes) {
        Some(members) => Ok(members),
        None => refuse("is not a .npz file, or ends too early"),
    }
}

fn directory(bytes: &[u8]) -> Option<Vec<Member>> {
    // The end record is 22 bytes and a comment of at most 65535.
    let last = bytes.len().checked_sub(22)?;
    let first = last.saturating_sub(65535);
    let end = (first..=last).rev().find(|&at| bytes[at..].starts_with(END))?;
    let mut record = Cursor(&bytes[end + 4..]);
    record.take(6)?;
    let mut count = record.size(2)?;
    record.take(4)?;
    let mut offset = record.size(4)?;
    if count == 0xffff || offset == 0xffff_ffff {
        let locator = bytes.get(end.checked_sub(20)?..end)?;
        let mut locator = Cursor(locator.strip_prefix(END_64_LOCATOR)?);
        locator.take(4)?;
        let record = bytes.get(locator.size(8)?..)?.strip_prefix(END_64)?;
        let mut record = Cursor(record);
        record.take(8 + 4 + 8 + 8)?;
        count = record.size(8)?;
        record.take(8)?;
        offset = record.size(8)?;
    }
    let mut directory = Cursor(bytes.get(offset..)?);
    let mut members = Vec::new();
    // The count is not trusted with memory: each entry has to be there.
    for _ in 0..count {
        members.push(entry(&mut directory)?);
    }
    Some(members)
}

fn entry(directory: &mut Cursor) -> Option<Member> {
    if directory.take(4)? != DIRECTORY_ENTRY {
        return None;
    }
    directory.take(4)?;
    let flags = directory.number(2)?;
    let mut method = directory.number(2)? as u16;
    directory.take(4)?;
    let crc = directory.number(4)? as u32;
    let mut sizes = [0; 3];
    sizes[1] = directory.size(4)?;
    sizes[0] = directory.size(4)?;
    let (name, extra, comment) = (directory.size(2)?, directory.size(2)?, directory.size(2)?);
    directory.take(8)?;
    sizes[2] = directory.size(4)?;
    let name = String::from_utf8_lossy(directory.take(name)?).into_owned();
    zip64(Cursor(directory.take(extra)?), &mut sizes);
    directory.take(comment)?;
    if flags & 1 == 1 {
        // Encrypted: no method that `extract` knows.
        method = u16::MAX;
    }
    let [bytes, stored_bytes, offset] = sizes;
    Some(Member { name, method, crc, stored_bytes, bytes, offset })
}

/// Replaces the sizes and the offset that do not fit 32 bits by those of the extra field.
fn zip64(mut extra: Cursor, sizes: &mut [usize; 3]) {
    while let (Some(tag), Some(length)) = (extra.number(2), extra.size(2)) {
        let Some(body) = extra.take(length) else {
            return;
        };
        if tag == 1 {
            let mut body = Cursor(body);
            for size in sizes.iter_mut().filter(|s| **s == 0xffff_ffff) {
                // Too short a field leaves a size that will not fit the file.
                *size = body.size(8).unwrap_or(usize::MAX);
            }
        }
    }
}

/// The contents of a member, with its length and checksum verified.
pub(super) fn extract<'a>(bytes: &'a [u8], member: &Member) -> Result<Cow<'a, [u8]>> {
    let Some(stored) = stored(bytes, member) else {
        return refuse("the archive ends inside the member");
    };
    memory::check(member.bytes as u64, "the unpacked array")?;
    let body = match member.method {
        0 => Cow::Borrowed(stored),
        8 => match miniz_oxide::inflate::decompress_to_vec_with_limit(stored, member.bytes) {
            Ok(body) => Cow::Owned(body),
            Err(e) => return refuse(format!("the member does not inflate: {e}")),
        },
        _ => return refuse("the member is encrypted or compressed in an unknown way"),
    };
    if body.len() != member.bytes || crc32(&body) != member.crc {
        return refuse("the member's length or checksum is wrong");
    }
    Ok(body)
}

/// At least the first `count` bytes of a member, or all that there are; nothing is verified.
pub(super) fn head<'a>(bytes: &'a [u8], member: &Member, count: usize) -> Result<Cow<'a, [u8]>> {
    let Some(stored) = stored(bytes, member) else {
        return refuse("the archive ends inside the member");
    };
    match member.method {
        0 => Ok(Cow::Borrowed(stored)),
        8 => match miniz_oxide::inflate::decompress_to_vec_with_limit(stored, count) {
            Ok(body) => Ok(Cow::Owned(body)),
            Err(e) if e.status == TINFLStatus::HasMoreOutput => Ok(Cow::Owned(e.output)),
            Err(e) => refuse(format!("the member does not inflate: {e}")),
        },
        _ => refuse("the member is encrypted or compressed in an unknown way"),
    }
}

fn stored<'a>(bytes: &'a [u8], member: &Member) -> Option<&'a [u8]> {
    let mut local = Cursor(bytes.get(member.offset..)?);
    if local.take(4)? != LOCAL_HEADER {
        return None;
    }
    local.take(22)?;
    // The local name and extra field may differ in length from the directory's.
    let (name, extra) = (local.size(2)?, local.size(2)?);
    local.take(name)?;
    local.take(extra)?;
    local.take(member.stored_bytes)
}

/// An archive of stored members, as the readers above take it; times are zero, so that equal members make
/// equal bytes.
///
/// # Panics
/// When a member, its name or all of them together do not fit a zip archive without extensions.
pub(super) fn write(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let short = |n: usize| u16::try_from(n).expect("names and counts fit 16 bits").to_le_bytes();
    let long = |n: usize| u32::try_from(n).expect("members fit 32 bits").to_le_bytes();
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, body) in members {
        // Version 2.0, names in UTF-8, stored, no time.
        let mut fields = vec![20, 0, 0, 8, 0, 0, 0, 0, 0, 0];
        fields.extend(crc32(body).to_le_bytes());
        fields.extend([long(body.len()), long(body.len())].concat());
        fields.extend([short(name.len()), [0, 0]].concat());
        directory.extend([DIRECTORY_ENTRY, &[20, 0], &fields, &[0; 10], &long(bytes.len())].concat());
        directory.extend(name.as_bytes());
        bytes.extend([LOCAL_HEADER, &fields, name.as_bytes(), body].concat());
    }
    let (start, count) = (long(bytes.len()), short(members.len()));
    bytes.extend(&directory);
    bytes.extend([END, &[0; 4], &count, &count, &long(directory.len()), &start, &[0; 2]].concat());
    bytes
}

/// CRC-32 of zip (IEEE 802.3, reflected), eight bits a step.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let mut crc = i as u32;
            let mut bit = 0;
            while bit < 8 {
                crc = crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
                bit += 1;
            }
            table[i] = crc;
            i += 1;
        }
        table
    };
    let step = |crc: u32, &b: &u8| crc >> 8 ^ TABLE[((crc ^ u32::from(b)) & 255) as usize];
    !bytes.iter().fold(!0, step)
}
