//! Attachments (Anhänge): files of consultations, events and accompaniments, such as minutes, forms and
//! certificates.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::check::Checks;
use crate::code::codes;
use crate::entity::{Entity, EntityKind, Reference};
use crate::error::{Error, Result};
use crate::id::{AccompanimentId, AttachmentId, CarrierId, ConsultationId, EventId, UserId};
use crate::policy::{Actor, Role};

mod content;
pub use content::Inspection;

/// How many attachments a record can have, without those taken back.
pub const MAX_ATTACHMENTS: i64 = 50;

codes! {
    /// The kinds of record that have attachments.
    "attached_kind" AttachedKind { Consultation, Event, Accompaniment }
}

/// The record that an attachment belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttachedTo {
    pub kind: AttachedKind,
    pub id: Uuid,
}

impl From<ConsultationId> for AttachedTo {
    fn from(id: ConsultationId) -> Self {
        Self { kind: AttachedKind::Consultation, id: id.0 }
    }
}

impl From<EventId> for AttachedTo {
    fn from(id: EventId) -> Self {
        Self { kind: AttachedKind::Event, id: id.0 }
    }
}

impl From<AccompanimentId> for AttachedTo {
    fn from(id: AccompanimentId) -> Self {
        Self { kind: AttachedKind::Accompaniment, id: id.0 }
    }
}

impl From<AttachedKind> for EntityKind {
    fn from(kind: AttachedKind) -> Self {
        match kind {
            AttachedKind::Consultation => Self::Consultation,
            AttachedKind::Event => Self::Event,
            AttachedKind::Accompaniment => Self::Accompaniment,
        }
    }
}

/// What can be attached: documents and pictures that nothing runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum MediaType {
    #[serde(rename = "application/pdf")]
    Pdf,
    #[serde(rename = "image/png")]
    Png,
    #[serde(rename = "image/jpeg")]
    Jpeg,
    #[serde(rename = "application/vnd.openxmlformats-officedocument.wordprocessingml.document")]
    Docx,
    #[serde(rename = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")]
    Xlsx,
    #[serde(rename = "application/vnd.openxmlformats-officedocument.presentationml.presentation")]
    Pptx,
    #[serde(rename = "application/vnd.oasis.opendocument.text")]
    Odt,
    #[serde(rename = "application/vnd.oasis.opendocument.spreadsheet")]
    Ods,
    #[serde(rename = "application/vnd.oasis.opendocument.presentation")]
    Odp,
    #[serde(rename = "text/plain")]
    Txt,
    #[serde(rename = "text/csv")]
    Csv,
}

impl MediaType {
    pub const ALL: [Self; 11] = [
        Self::Pdf,
        Self::Png,
        Self::Jpeg,
        Self::Docx,
        Self::Xlsx,
        Self::Pptx,
        Self::Odt,
        Self::Ods,
        Self::Odp,
        Self::Txt,
        Self::Csv,
    ];

    /// As `Content-Type` has it, without parameters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Pptx => {
                "application/vnd.openxmlformats-officedocument.presentationml.presentation"
            }
            Self::Odt => "application/vnd.oasis.opendocument.text",
            Self::Ods => "application/vnd.oasis.opendocument.spreadsheet",
            Self::Odp => "application/vnd.oasis.opendocument.presentation",
            Self::Txt => "text/plain",
            Self::Csv => "text/csv",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|media_type| media_type.name() == name)
    }

    /// How names of such files end; the first one is what the settings call it.
    #[must_use]
    pub fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Pdf => &["pdf"],
            Self::Png => &["png"],
            Self::Jpeg => &["jpeg", "jpg"],
            Self::Docx => &["docx"],
            Self::Xlsx => &["xlsx"],
            Self::Pptx => &["pptx"],
            Self::Odt => &["odt"],
            Self::Ods => &["ods"],
            Self::Odp => &["odp"],
            Self::Txt => &["txt"],
            Self::Csv => &["csv"],
        }
    }

    #[must_use]
    pub fn is_text(self) -> bool {
        matches!(self, Self::Txt | Self::Csv)
    }
}

/// What of an attachment can be changed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Protokoll vom 12. März.pdf"}))]
pub struct AttachmentInput {
    /// Name of the file, without a folder, with an ending of its type.
    #[schema(min_length = 1, max_length = 200)]
    #[param(min_length = 1, max_length = 200, example = "Protokoll vom 12. März.pdf")]
    pub name: String,
}

impl AttachmentInput {
    /// # Errors
    /// `Invalid` when no file of the type can have the name. It is a name that a browser will give a
    /// file, so it must not lead into a folder nor look like another type.
    pub fn checked(&self, media_type: MediaType) -> Result<String> {
        let mut checks = Checks::new();
        let composed: String = self.name.nfc().collect();
        let name = checks.line("/name", &composed, 200);
        checks.require(
            !name.contains(['/', '\\']),
            "/name",
            "folder",
            "must be the name of a file without a folder",
        );
        checks.require(
            !name.chars().any(changes_direction),
            "/name",
            "changes_direction",
            "must not contain characters that change the direction of writing",
        );
        let endings = media_type.endings();
        let fits = name.rsplit_once('.').is_some_and(|(stem, ending)| {
            !stem.trim().is_empty() && endings.contains(&ending.to_ascii_lowercase().as_str())
        });
        if !name.is_empty() && !fits {
            let endings = endings.join(" or .");
            checks.fail("/name", "wrong_ending", format!("must end in .{endings}"));
        }
        checks.finish()?;
        Ok(name)
    }
}

/// With these, `gpj.exe` is shown as `exe.jpg`.
fn changes_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// SHA-256 of a content; 64 hexadecimal digits on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub struct ContentHash(pub [u8; 32]);

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<ContentHash> for String {
    fn from(hash: ContentHash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for ContentHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut hash = Self([0; 32]);
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err("must have 64 hexadecimal digits");
        }
        for (place, byte) in hash.0.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16)
                .map_err(|_| "must have 64 hexadecimal digits")?;
        }
        Ok(hash)
    }
}

/// A file that has arrived and is what it says.
#[derive(Clone, Debug)]
pub struct ReceivedFile {
    pub id: AttachmentId,
    pub name: String,
    pub media_type: MediaType,
    pub bytes: i64,
    pub sha256: ContentHash,
}

/// What the rules need to know of the record.
#[derive(Clone, Debug)]
pub struct AttachedRecord {
    pub to: AttachedTo,
    pub carrier: Reference,
    pub recorded_by: UserId,
    /// Its advisers, or who of the carrier is responsible for the event.
    pub involved: Vec<UserId>,
    pub voided_at: Option<DateTime<Utc>>,
    /// How many attachments it has.
    pub attachments: i64,
}

impl AttachedRecord {
    /// Who may change a record may attach to it and take back. The funding period does not matter:
    /// evidence may come when it is closed.
    ///
    /// # Errors
    /// `Forbidden` for a colleague who was not part of it.
    pub fn check_may_change(&self, actor: &Actor) -> Result<()> {
        let involved = self.recorded_by == actor.user_id || self.involved.contains(&actor.user_id);
        if actor.role == Role::Manager || involved {
            Ok(())
        } else {
            Err(Error::Forbidden(
                "Only who is part of a record, who recorded it, and managers change its attachments."
                    .to_owned(),
            ))
        }
    }

    /// # Errors
    /// `Conflict` when it is voided.
    pub fn check_not_voided(&self) -> Result<()> {
        match self.voided_at {
            None => Ok(()),
            Some(at) => Err(Error::conflict(
                "voided",
                format!("The record was voided on {}.", crate::time::local_date(at)),
            )),
        }
    }

    /// # Errors
    /// As [`Self::check_may_change`] and [`Self::check_not_voided`]; `Conflict` when it has as many as it
    /// can have.
    pub fn check_takes_another(&self, actor: &Actor) -> Result<()> {
        self.check_may_change(actor)?;
        self.check_not_voided()?;
        if self.attachments < MAX_ATTACHMENTS {
            Ok(())
        } else {
            Err(Error::conflict(
                "too_many_attachments",
                format!("The record has {MAX_ATTACHMENTS} attachments, and can have no more."),
            ))
        }
    }
}

/// Why, when and by whom an attachment was taken back. Its content is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttachmentVoided {
    pub at: DateTime<Utc>,
    pub by: Reference,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attachment {
    pub id: AttachmentId,
    pub record: AttachedTo,
    pub carrier: Reference,
    pub name: String,
    pub media_type: MediaType,
    pub bytes: i64,
    pub sha256: ContentHash,
    pub recorded_by: Reference,
    /// From then on the content is gone.
    #[schema(required)]
    pub voided: Option<AttachmentVoided>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AttachmentFilter {
    /// Those taken back too; without it they are left out.
    pub voided: Option<bool>,
}

impl Attachment {
    /// # Errors
    /// As [`AttachedRecord::check_takes_another`].
    pub fn new(
        now: DateTime<Utc>,
        actor: &Actor,
        record: &AttachedRecord,
        file: &ReceivedFile,
    ) -> Result<Self> {
        record.check_takes_another(actor)?;
        Ok(Self {
            id: file.id,
            record: record.to,
            carrier: record.carrier.clone(),
            name: file.name.clone(),
            media_type: file.media_type,
            bytes: file.bytes,
            sha256: file.sha256,
            recorded_by: actor.reference(),
            voided: None,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// # Errors
    /// `Invalid`; `Conflict` when it or its record is voided.
    pub fn renamed(
        &self,
        now: DateTime<Utc>,
        record: &AttachedRecord,
        input: &AttachmentInput,
    ) -> Result<Self> {
        self.check_not_voided()?;
        record.check_not_voided()?;
        Ok(Self {
            name: input.checked(self.media_type)?,
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        })
    }

    /// Also on a voided record: what should not be there, a candidate's passport for one, has to go
    /// whatever became of the record.
    ///
    /// # Errors
    /// `Conflict` when it is voided already.
    pub fn voided(&self, now: DateTime<Utc>, actor: &Actor, reason: String) -> Result<Self> {
        self.check_not_voided()?;
        Ok(Self {
            voided: Some(AttachmentVoided { at: now, by: actor.reference(), reason }),
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        })
    }

    fn check_not_voided(&self) -> Result<()> {
        match &self.voided {
            None => Ok(()),
            Some(voided) => Err(Error::conflict(
                "voided",
                format!("The attachment was voided on {}.", crate::time::local_date(voided.at)),
            )),
        }
    }
}

impl From<&Attachment> for AttachmentInput {
    fn from(attachment: &Attachment) -> Self {
        Self { name: attachment.name.clone() }
    }
}

impl Entity for Attachment {
    const KIND: EntityKind = EntityKind::Attachment;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn carrier(&self) -> Option<CarrierId> {
        Some(CarrierId(self.carrier.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_and_the_code_agree_on_media_types() {
        for media_type in MediaType::ALL {
            let name = serde_json::to_value(media_type).unwrap();
            assert_eq!(name, media_type.name());
            assert_eq!(MediaType::from_name(media_type.name()), Some(media_type));
        }
    }

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        let hash = ContentHash(std::array::from_fn(|n| u8::try_from(n * 8).unwrap()));
        assert_eq!(ContentHash::try_from(hash.to_string()), Ok(hash));
        for wrong in ["", "00", &"é".repeat(32), &"g".repeat(64)] {
            assert!(ContentHash::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_names_of_files_of_their_type() {
        let check = |name: &str, media_type| match (AttachmentInput { name: name.to_owned() })
            .checked(media_type)
        {
            Ok(name) => name,
            Err(Error::Invalid(errors)) => {
                errors.into_iter().map(|e| e.code).collect::<Vec<_>>().join(" ")
            }
            Err(other) => panic!("{other}"),
        };
        assert_eq!(
            check(" Protokoll vom 12. März.pdf ", MediaType::Pdf),
            "Protokoll vom 12. März.pdf"
        );
        assert_eq!(check("FOTO.JPG", MediaType::Jpeg), "FOTO.JPG");
        assert_eq!(check("u\u{308}ber.txt", MediaType::Txt), "über.txt", "composed");
        for (name, code) in [
            ("../../etc/passwd", "folder wrong_ending"),
            ("..\\..\\start.pdf", "folder"),
            ("a\0.pdf", "control_character"),
            ("a\n.pdf", "control_character"),
            ("a\u{202e}fdp.exe.pdf", "changes_direction"),
            ("a.pdf.html", "wrong_ending"),
            ("pdf", "wrong_ending"),
            (".pdf", "wrong_ending"),
            ("a.pdf.", "wrong_ending"),
            ("", "empty"),
        ] {
            assert_eq!(check(name, MediaType::Pdf), code, "{name:?}");
        }
        assert_eq!(check(&format!("{}.pdf", "x".repeat(197)), MediaType::Pdf), "too_long");
    }
}
