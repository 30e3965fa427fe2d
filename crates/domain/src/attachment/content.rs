//! Whether content is of the type that it is said to be, found out while it streams by: its beginning,
//! the directory at the end of a ZIP archive, every byte of a text.
//!
//! The question is not what a file might be, but whether it is one of a few types. Libraries that guess
//! look at the first entries of a ZIP archive, which programs write in any order; the directory is what
//! office programs read.

use super::MediaType;

/// As much of the beginning as a rule looks at.
const HEAD: usize = 128;
/// As much of the end as is kept: the directory of an archive with some ten thousand entries.
const TAIL: usize = 1024 * 1024;

/// Content as far as it has come.
#[derive(Debug)]
pub struct Inspection {
    media_type: MediaType,
    bytes: u64,
    head: Vec<u8>,
    /// Of an archive: the last of it.
    tail: Vec<u8>,
    /// Of a text: what it begins with, without space.
    opening: String,
    /// Of a text: the beginning of a character whose rest is still to come.
    pending: Vec<u8>,
    broken: bool,
}

impl Inspection {
    #[must_use]
    pub fn new(media_type: MediaType) -> Self {
        Self {
            media_type,
            bytes: 0,
            head: Vec::new(),
            tail: Vec::new(),
            opening: String::new(),
            pending: Vec::new(),
            broken: false,
        }
    }

    pub fn feed(&mut self, chunk: &[u8]) {
        self.bytes += chunk.len() as u64;
        let missing = HEAD.saturating_sub(self.head.len()).min(chunk.len());
        self.head.extend_from_slice(&chunk[..missing]);
        if self.media_type.is_text() {
            self.read_text(chunk);
        } else if office(self.media_type).is_some() {
            self.tail.extend_from_slice(chunk);
            // Now and then, not with every chunk.
            if self.tail.len() > 2 * TAIL {
                self.tail.drain(..self.tail.len() - TAIL);
            }
        }
    }

    /// Whether all of it is of the type.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self.media_type {
            MediaType::Pdf => self.head.starts_with(b"%PDF-"),
            MediaType::Png => {
                self.head.starts_with(b"\x89PNG\r\n\x1a\n")
                    && self.head.get(12..16) == Some(b"IHDR")
            }
            MediaType::Jpeg => self.head.starts_with(b"\xff\xd8\xff"),
            MediaType::Txt | MediaType::Csv => {
                !self.broken && self.pending.is_empty() && !is_markup_or_script(&self.opening)
            }
            _ => office(self.media_type).is_some_and(|office| self.is_office(&office)),
        }
    }

    fn read_text(&mut self, chunk: &[u8]) {
        self.pending.extend_from_slice(chunk);
        let valid = match std::str::from_utf8(&self.pending) {
            Ok(text) => text.len(),
            Err(error) => {
                self.broken |= error.error_len().is_some();
                error.valid_up_to()
            }
        };
        let rest = self.pending.split_off(valid);
        let text = std::mem::replace(&mut self.pending, rest);
        // Not to be kept when it is no text anyway.
        if self.broken {
            self.pending.clear();
        }
        for c in String::from_utf8_lossy(&text).chars() {
            self.broken |= c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}');
            let is_first_space = self.opening.is_empty() && (c.is_whitespace() || c == '\u{feff}');
            if self.opening.len() < 8 && !is_first_space {
                self.opening.push(c);
            }
        }
    }

    fn is_office(&self, office: &Office) -> bool {
        if !self.head.starts_with(b"PK\x03\x04") {
            return false;
        }
        let Some(entries) = directory(&self.tail, self.bytes) else { return false };
        match office {
            Office::OpenXml { main } => {
                let is_main = |entry: &String| {
                    let ending = entry.rsplit_once('.').map(|(_, ending)| ending);
                    entry.starts_with(main) && ending == Some("xml")
                };
                entries.iter().any(|entry| entry == "[content_types].xml")
                    && entries.iter().any(is_main)
                    // With macros it is of another type.
                    && !entries.iter().any(|entry| entry.ends_with("vbaproject.bin"))
            }
            Office::OpenDocument => {
                // The first entry is the type itself, neither compressed nor preceded by anything.
                let stored = self.head.get(8..10) == Some(&[0, 0]);
                let named = self.head.get(26..38) == Some(b"\x08\0\0\0mimetype");
                let rest = self.head.get(38..).unwrap_or_default();
                let told = rest.strip_prefix(self.media_type.name().as_bytes());
                stored
                    && named
                    && told.is_some_and(|rest| rest.starts_with(b"PK"))
                    && entries.iter().any(|entry| entry == "content.xml")
            }
        }
    }
}

/// How a type that is a ZIP archive is recognised.
enum Office {
    /// `main` is how the part with the document begins, in lower case.
    OpenXml {
        main: &'static str,
    },
    OpenDocument,
}

fn office(media_type: MediaType) -> Option<Office> {
    match media_type {
        MediaType::Docx => Some(Office::OpenXml { main: "word/document" }),
        MediaType::Xlsx => Some(Office::OpenXml { main: "xl/workbook" }),
        MediaType::Pptx => Some(Office::OpenXml { main: "ppt/presentation" }),
        MediaType::Odt | MediaType::Ods | MediaType::Odp => Some(Office::OpenDocument),
        _ => None,
    }
}

/// What some program would run or show as a page, though it is text.
fn is_markup_or_script(opening: &str) -> bool {
    let mut chars = opening.chars();
    let markup = chars.next() == Some('<')
        && chars.next().is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '!' | '?' | '/'));
    markup || opening.starts_with("#!") || opening.starts_with("%PDF-")
}

/// The names of the entries of a ZIP archive, in lower case, by its directory. `tail` is the end of it,
/// `bytes` how long all of it is. None when the directory is not whole or something stands before the
/// first entry or after the last: then it is an archive and something else besides.
fn directory(tail: &[u8], bytes: u64) -> Option<Vec<String>> {
    const END: usize = 22;
    const ENTRY: usize = 46;
    let u16_at = |bytes: &[u8], at: usize| {
        bytes.get(at..at + 2).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]])))
    };
    let u32_at = |bytes: &[u8], at: usize| {
        bytes.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    };

    // The end of the directory, which a comment may follow.
    let earliest = tail.len().saturating_sub(END + usize::from(u16::MAX));
    let end = (earliest..=tail.len().checked_sub(END)?).rev().find(|at| {
        tail[*at..].starts_with(b"PK\x05\x06")
            && u16_at(tail, at + 20).is_some_and(|comment| at + END + comment == tail.len())
    })?;
    let count = u16_at(tail, end + 10)?;
    let size = u32_at(tail, end + 12)?;
    let offset = u32_at(tail, end + 16)?;
    let begins = bytes.checked_sub((tail.len() - end) as u64)?.checked_sub(u64::from(size))?;
    if begins != u64::from(offset) {
        return None;
    }
    let mut rest = &tail[end.checked_sub(usize::try_from(size).ok()?)?..end];
    let mut names = Vec::with_capacity(count);
    while !rest.is_empty() {
        if !rest.starts_with(b"PK\x01\x02") {
            return None;
        }
        let (name, extra, comment) = (u16_at(rest, 28)?, u16_at(rest, 30)?, u16_at(rest, 32)?);
        let text = rest.get(ENTRY..ENTRY + name)?;
        names.push(String::from_utf8_lossy(text).to_lowercase());
        rest = rest.get(ENTRY + name + extra + comment..)?;
    }
    (names.len() == count).then_some(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An archive with these entries, not compressed.
    fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        let number = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
        for (name, content) in entries {
            let offset = number(bytes.len());
            // Version, flags, method, time, date; CRC, which nobody looks at here; sizes; lengths.
            let mut shared = [10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].to_vec();
            shared.extend([number(content.len()), number(content.len())].concat());
            shared.extend([name.len().to_le_bytes()[..2].to_vec(), vec![0, 0]].concat());
            bytes.extend(
                [b"PK\x03\x04".to_vec(), shared.clone(), name.as_bytes().to_vec()].concat(),
            );
            bytes.extend_from_slice(content);
            directory.extend([b"PK\x01\x02\x0a\0".to_vec(), shared, vec![0; 10]].concat());
            directory.extend([offset.to_vec(), name.as_bytes().to_vec()].concat());
        }
        let (offset, size) = (number(bytes.len()), number(directory.len()));
        let count = entries.len().to_le_bytes()[..2].to_vec();
        bytes.extend(directory);
        bytes.extend([b"PK\x05\x06\0\0\0\0".to_vec(), count.clone(), count].concat());
        bytes.extend([size.to_vec(), offset.to_vec(), vec![0, 0]].concat());
        bytes
    }

    fn open_xml(main: &str) -> Vec<u8> {
        archive(&[("docProps/app.xml", b"<a/>"), ("[Content_Types].xml", b"<a/>"), (main, b"<a/>")])
    }

    fn open_document(media_type: &str) -> Vec<u8> {
        archive(&[("mimetype", media_type.as_bytes()), ("content.xml", b"<a/>")])
    }

    /// A sound one of each type.
    fn samples() -> Vec<(MediaType, Vec<u8>)> {
        vec![
            (MediaType::Pdf, b"%PDF-1.7\n%%EOF\n".to_vec()),
            (MediaType::Png, b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR....".to_vec()),
            (MediaType::Jpeg, b"\xff\xd8\xff\xe0..".to_vec()),
            (MediaType::Docx, open_xml("word/document.xml")),
            (MediaType::Xlsx, open_xml("xl/workbook.xml")),
            (MediaType::Pptx, open_xml("ppt/presentation.xml")),
            (MediaType::Odt, open_document("application/vnd.oasis.opendocument.text")),
            (MediaType::Ods, open_document("application/vnd.oasis.opendocument.spreadsheet")),
            (MediaType::Odp, open_document("application/vnd.oasis.opendocument.presentation")),
            (MediaType::Txt, "\u{feff}Grüße aus Gießen\r\n".as_bytes().to_vec()),
            (MediaType::Csv, "Name;Ort\nÄ;5 < 6\n".as_bytes().to_vec()),
        ]
    }

    fn holds(media_type: MediaType, content: &[u8]) -> bool {
        let mut inspection = Inspection::new(media_type);
        inspection.feed(content);
        inspection.holds()
    }

    #[test]
    fn each_is_of_its_own_type_only() {
        let texts = |media_type: MediaType| media_type.is_text();
        for (is, content) in samples() {
            for told in MediaType::ALL {
                let right = is == told || (texts(is) && texts(told));
                assert_eq!(holds(told, &content), right, "{is:?} told to be {told:?}");
            }
        }
    }

    #[test]
    fn what_lies_is_found_out() {
        let with_macros = archive(&[
            ("[Content_Types].xml", b""),
            ("word/document.xml", b""),
            ("word/vbaProject.bin", b""),
        ]);
        let docx = open_xml("word/document.xml");
        let of = |parts: &[&[u8]]| parts.concat();
        for (what, told, content) in [
            ("HTML", MediaType::Pdf, b"<html>%PDF-1.7</html>".to_vec()),
            ("a program before", MediaType::Docx, of(&[b"MZ\x90\0", &docx])),
            ("an archive after another", MediaType::Docx, of(&[&docx, &docx])),
            ("something after", MediaType::Docx, of(&[&docx, b"<script>"])),
            ("cut off", MediaType::Docx, docx[..docx.len() - 1].to_vec()),
            ("any archive", MediaType::Docx, archive(&[("a.exe", b"MZ")])),
            ("macros", MediaType::Docx, with_macros),
            (
                "a template",
                MediaType::Odt,
                open_document("application/vnd.oasis.opendocument.text-template"),
            ),
            ("a page", MediaType::Txt, b" \n<!doctype html>".to_vec()),
            ("a drawing", MediaType::Csv, b"\xef\xbb\xbf<svg onload=x>".to_vec()),
            ("a script", MediaType::Txt, b"#!/bin/sh\n".to_vec()),
            ("Latin 1", MediaType::Txt, b"Gr\xfc\xdfe".to_vec()),
            ("UTF-16", MediaType::Csv, b"\xff\xfeN\0a\0".to_vec()),
            ("a NUL", MediaType::Txt, b"a\0b".to_vec()),
            ("half a character", MediaType::Txt, b"a\xc3".to_vec()),
            ("an escape", MediaType::Txt, b"\x1b[31m".to_vec()),
        ] {
            assert!(!holds(told, &content), "{what}");
        }
        assert!(holds(MediaType::Txt, b"3 < 5 und <- links"), "no markup");
    }

    #[test]
    fn a_long_archive_is_judged_by_its_end() {
        let filling = vec![b'x'; 3 * TAIL];
        let long = archive(&[
            ("word/media/image1.png", &filling),
            ("[Content_Types].xml", b""),
            ("word/document.xml", b""),
        ]);
        let mut inspection = Inspection::new(MediaType::Docx);
        for chunk in long.chunks(60_000) {
            inspection.feed(chunk);
            assert!(inspection.tail.len() <= 2 * TAIL + 60_000, "what is kept is bounded");
        }
        assert!(inspection.holds());
    }

    proptest! {
        /// How the network cuts it does not matter.
        #[test]
        fn chunks_make_no_difference(sample in 0_usize..11, told in 0_usize..11, size in 1_usize..40) {
            let (_, content) = &samples()[sample];
            let told = MediaType::ALL[told];
            let mut inspection = Inspection::new(told);
            content.chunks(size).for_each(|chunk| inspection.feed(chunk));
            prop_assert_eq!(inspection.holds(), holds(told, content));
        }

        /// Whatever comes, nothing panics.
        #[test]
        fn any_bytes_are_judged(content in proptest::collection::vec(any::<u8>(), 0..300), cut in 0_usize..300) {
            let docx = open_xml("word/document.xml");
            let mangled = [&content[..], &docx[cut.min(docx.len())..]].concat();
            for media_type in MediaType::ALL {
                holds(media_type, &content);
                holds(media_type, &mangled);
            }
        }
    }
}
