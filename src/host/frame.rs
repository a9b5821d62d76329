//! Frames: requests as bytes, and answers found among bytes.

use std::collections::VecDeque;
use tilewright_arch::link::{
    ANSWER_HEADER_BYTES, ANSWER_MARK, CHECKSUM_BYTES, Command, MOST_BYTES, REQUEST_MARK, checksum,
};

/// A request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestFrame<'a> {
    /// Tells it from the one before; sent again with the same number it is not done twice.
    pub sequence: u8,
    /// What is asked.
    pub command: Command,
    /// Of the first byte.
    pub address: u32,
    /// Bytes that are wanted, or that `payload` has.
    pub count: u16,
    /// What is to be written.
    pub payload: &'a [u8],
}

/// The frame of a request.
pub fn request(request: &RequestFrame) -> Vec<u8> {
    let RequestFrame { sequence, command, address, count, payload } = *request;
    let mut frame = vec![REQUEST_MARK, sequence, command as u8];
    frame.extend(address.to_le_bytes());
    frame.extend(count.to_le_bytes());
    frame.extend(payload);
    let sum = checksum(&frame[1..]);
    frame.extend(sum.to_le_bytes());
    frame
}

/// An answer: sequence number, status byte, payload.
pub type Answer = (u8, u8, Vec<u8>);

/// Takes the answers that are whole out of what has come, with all that is before them. A mark by chance hides
/// nothing: an answer may begin behind it, before what it would be the head of has come.
pub fn answers(come: &mut VecDeque<u8>) -> Vec<Answer> {
    let mut found = vec![];
    let bytes = come.make_contiguous();
    let (mut at, mut done) = (0, 0);
    while at < bytes.len() {
        match answer(&bytes[at..]) {
            Some((told, length)) => {
                found.push(told);
                at += length;
                done = at;
            }
            None => at += 1,
        }
    }
    // What has come longer ago than the longest answer takes is of none.
    done = done.max(bytes.len().saturating_sub(LONGEST));
    come.drain(..done);
    found
}

/// Bytes of the longest answer.
const LONGEST: usize = 1 + ANSWER_HEADER_BYTES + MOST_BYTES + 1 + CHECKSUM_BYTES;

/// The answer that bytes begin with, and its length.
fn answer(bytes: &[u8]) -> Option<(Answer, usize)> {
    let head = 1 + ANSWER_HEADER_BYTES;
    if bytes.len() < head || bytes[0] != ANSWER_MARK {
        return None;
    }
    let count = usize::from(u16::from_le_bytes([bytes[2], bytes[3]]));
    // Behind the payload comes the status.
    let end = head + count + 1;
    let (told, rest) = (bytes.get(1..end)?, bytes.get(end..end + CHECKSUM_BYTES)?);
    if count > MOST_BYTES || checksum(told).to_le_bytes() != rest {
        return None;
    }
    let payload = told[ANSWER_HEADER_BYTES..told.len() - 1].to_vec();
    Some(((told[0], told[told.len() - 1], payload), end + CHECKSUM_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame written by hand, its checksum from another tool: `zlib.crc32` of the bytes after the mark.
    #[test]
    fn a_request_is_these_bytes() {
        let asked = RequestFrame {
            sequence: 7,
            command: Command::WriteMemory,
            address: 0x1234,
            count: 2,
            payload: &[0xde, 0xad],
        };
        let bytes = request(&asked);
        assert_eq!(bytes[..11], [0xa5, 7, 0x84, 0x34, 0x12, 0, 0, 2, 0, 0xde, 0xad]);
        assert_eq!(bytes[11..], CRC_OF_REQUEST.to_le_bytes());
    }
    const CRC_OF_REQUEST: u32 = 0xd6fc_0d63;

    #[test]
    fn answers_are_found_among_noise() {
        let mut answer = vec![0x5a, 9, 1, 0, 0x42, 3];
        answer.extend(CRC_OF_ANSWER.to_le_bytes());
        let mut come: VecDeque<u8> = [1, 2, 0x5a, 0x5a, 0, 0x5a].into_iter().chain(answer.clone()).collect();
        let rest = come.split_off(come.len() - 1);
        assert_eq!(answers(&mut come), []);
        come.extend(rest);
        come.extend(&answer[..4]);
        assert_eq!(answers(&mut come), [(9, 3, vec![0x42])]);
        assert_eq!(come, &answer[..4]);
        // One bit wrong.
        let mut come: VecDeque<u8> = answer.iter().enumerate().map(|(n, b)| b ^ u8::from(n == 4)).collect();
        assert_eq!(answers(&mut come), []);
    }
    const CRC_OF_ANSWER: u32 = 0x28c8_8e34;
}
