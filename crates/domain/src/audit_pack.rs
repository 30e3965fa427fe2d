//! Audit pack (Prüfpaket): all that a carrier has on record of a company, an actor or an accompaniment, for the
//! funder's check on site (Vor-Ort-Prüfung): records with their histories, attendance, attachments, checksums.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::accompaniment::Accompaniment;
use crate::attachment::{AttachedKind, AttachedTo, Attachment, ContentHash};
use crate::audit::HistoryEntry;
use crate::code::Code;
use crate::entity::Reference;
use crate::error::{Error, Result};
use crate::id::{AccompanimentId, ConsultationId, EventId};
use crate::participation::ParticipationStatus;
use crate::sheet::{Cell, Language, Sheet};
use crate::statistics::RULES_VERSION;
use crate::timeline::{TimelineEntry, TimelineKind};

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AuditPackParams {
    /// First day of what is packed.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub from: Option<NaiveDate>,
    /// Last day.
    #[serde(default, deserialize_with = "crate::time::optional_date")]
    pub to: Option<NaiveDate>,
    /// Of the overview.
    #[param(inline)]
    #[serde(default)]
    pub language: Language,
}

/// A record with all that became of it, the latest first.
#[derive(Clone, Debug)]
pub struct PackedRecord {
    pub entry: TimelineEntry,
    pub history: Vec<HistoryEntry>,
}

/// What is packed, but for the contents of the attachments.
#[derive(Clone, Debug)]
pub struct AuditPack {
    pub made_at: DateTime<Utc>,
    pub made_by: Reference,
    pub carrier: Reference,
    /// The company, the actor or the accompaniment.
    pub subject: Reference,
    pub params: AuditPackParams,
    /// Of the organisation: its entry in the register, establishments, contacts.
    pub register: Value,
    /// The latest first.
    pub records: Vec<PackedRecord>,
    pub attachments: Vec<Attachment>,
}

/// A file in the pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackedFile {
    pub path: String,
    pub bytes: u64,
    pub sha256: ContentHash,
}

/// An attachment that is not in the pack as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotPacked {
    pub attachment: Uuid,
    pub name: String,
    /// `missing`, or `altered` when it is there with another checksum.
    pub reason: &'static str,
}

/// What the pack says of itself.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest<'a> {
    pub program: &'static str,
    pub program_version: &'static str,
    pub rules_version: &'static str,
    pub made_at: DateTime<Utc>,
    pub made_by: &'a Reference,
    pub carrier: &'a Reference,
    pub subject: &'a Reference,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    pub records: usize,
    pub attachments: usize,
    pub files: &'a [PackedFile],
    pub not_packed: &'a [NotPacked],
}

impl PackedRecord {
    /// Where it is in the pack.
    #[must_use]
    pub fn path(&self) -> String {
        let TimelineEntry { kind, on, id, .. } = &self.entry;
        format!("records/{}/{on}_{id}.json", kind.code())
    }

    fn document(&self) -> Result<Vec<u8>> {
        let TimelineEntry { kind, on, id, .. } = &self.entry;
        let entry =
            serde_json::to_value(&self.entry).map_err(|error| Error::Internal(error.into()))?;
        let record = entry.get(kind.code());
        let history = &self.history;
        json(&serde_json::json!({
            "kind": kind, "on": on, "id": id, "record": record, "history": history
        }))
    }
}

/// The record that files can be attached to.
#[must_use]
pub fn attached(entry: &TimelineEntry) -> Option<AttachedTo> {
    let kind = match entry.kind {
        TimelineKind::Consultation => AttachedKind::Consultation,
        TimelineKind::Event => AttachedKind::Event,
        TimelineKind::Accompaniment => AttachedKind::Accompaniment,
        _ => return None,
    };
    Some(AttachedTo { kind, id: entry.id })
}

/// Those of the entries of a company that belong to an accompaniment: it, its consultations with their tasks, its
/// cases, and its events.
#[must_use]
pub fn part_of(
    run: AccompanimentId,
    events: &[EventId],
    mut entries: Vec<TimelineEntry>,
) -> Vec<TimelineEntry> {
    let is_run = |named: Option<&Reference>| named.is_some_and(|named| named.id == run.0);
    let consultations: Vec<ConsultationId> = entries
        .iter()
        .filter_map(|entry| entry.consultation.as_ref())
        .filter(|it| is_run(it.accompaniment.as_ref()))
        .map(|it| it.id)
        .collect();
    entries.retain(|entry| match entry.kind {
        TimelineKind::Accompaniment => entry.id == run.0,
        TimelineKind::Consultation => consultations.contains(&ConsultationId(entry.id)),
        TimelineKind::Event => events.contains(&EventId(entry.id)),
        TimelineKind::RecruitmentCase => {
            entry.recruitment_case.as_ref().is_some_and(|it| is_run(it.accompaniment.as_ref()))
        }
        TimelineKind::Task => {
            let about = entry.task.as_ref().and_then(|it| it.consultation.as_ref());
            about.is_some_and(|about| consultations.contains(&about.id))
        }
        TimelineKind::Referral | TimelineKind::Change => false,
    });
    entries
}

fn title_of(entry: &TimelineEntry) -> String {
    if let Some(it) = &entry.consultation {
        let topics: Vec<&str> = it.topics.iter().map(|topic| topic.label_de.as_str()).collect();
        return format!("{} Min., {}", it.minutes, topics.join("; "));
    }
    let titles = [
        entry.event.as_ref().map(|it| it.title.clone()),
        entry.referral.as_ref().map(|it| it.actor.name.clone()),
        entry.task.as_ref().map(|it| it.title.clone()),
        entry.accompaniment.as_ref().map(run_title),
        entry.recruitment_case.as_ref().map(|it| it.vacancy.clone()),
        entry.change.as_ref().map(|it| it.action.code().to_owned()),
    ];
    titles.into_iter().flatten().next().unwrap_or_default()
}

fn run_title(run: &Accompaniment) -> String {
    format!("{}, {}", run.template.code, run.lead.name)
}

/// JSON that a person can read.
///
/// # Errors
/// `Internal` when it cannot be written.
pub fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value).map_err(|error| Error::Internal(error.into()))
}

/// Where the content of an attachment is in the pack. Its name is made one of a file: no folder, and no name that
/// an operating system has plans for.
#[must_use]
pub fn attachment_path(attachment: &Attachment) -> String {
    let name: String = attachment
        .name
        .chars()
        .map(|c| if c.is_alphanumeric() || " .-_()".contains(c) { c } else { '_' })
        .collect();
    let name = name.trim_matches(['.', ' ']);
    format!("attachments/{}/{}_{name}", attachment.record.kind.code(), attachment.id.0)
}

impl AuditPack {
    /// The name of the file, without extension.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("audit-pack-{}", self.subject.id)
    }

    #[must_use]
    pub fn manifest<'a>(
        &'a self,
        files: &'a [PackedFile],
        not_packed: &'a [NotPacked],
    ) -> Manifest<'a> {
        Manifest {
            program: "Lotse",
            program_version: env!("CARGO_PKG_VERSION"),
            rules_version: RULES_VERSION,
            made_at: self.made_at,
            made_by: &self.made_by,
            carrier: &self.carrier,
            subject: &self.subject,
            from: self.params.from,
            to: self.params.to,
            records: self.records.len(),
            attachments: self.attachments.len() - not_packed.len(),
            files,
            not_packed,
        }
    }

    /// The documents of the pack: path and content.
    ///
    /// # Errors
    /// `Internal` when something cannot be written as JSON.
    pub fn documents(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let mut documents = vec![("register.json".to_owned(), json(&self.register)?)];
        for record in &self.records {
            documents.push((record.path(), record.document()?));
        }
        documents.push(("attachments.json".to_owned(), json(&self.attachments)?));
        Ok(documents)
    }

    /// What a person looks at first: what there is, who was there, which files.
    #[must_use]
    pub fn sheets(&self, not_packed: &[NotPacked]) -> Vec<Sheet> {
        let language = self.params.language;
        vec![self.cover(language), self.timeline(language), self.attendance(language), {
            let missing = |attachment: &Attachment| {
                let found = not_packed.iter().find(|it| it.attachment == attachment.id.0);
                found.map_or("", |it| it.reason)
            };
            self.files(language, missing)
        }]
    }

    fn cover(&self, language: Language) -> Sheet {
        let day = |date: Option<NaiveDate>| date.map_or(String::new(), |date| language.day(date));
        let made = language.day(crate::time::local_date(self.made_at));
        let rows = [
            (language.of("Über", "About"), self.subject.name.clone()),
            (language.of("Träger", "Carrier"), self.carrier.name.clone()),
            (language.of("Von", "From"), day(self.params.from)),
            (language.of("Bis", "To"), day(self.params.to)),
            (language.of("Erstellt", "Made"), format!("{made}, {}", self.made_by.name)),
            (language.of("Zählregeln", "Counting rules"), RULES_VERSION.to_owned()),
            (
                language.of("Prüfsummen", "Checksums"),
                language
                    .of(
                        "sha256sum -c SHA256SUMS im entpackten Ordner",
                        "sha256sum -c SHA256SUMS in the unpacked folder",
                    )
                    .to_owned(),
            ),
        ];
        Sheet {
            title: language.of("Prüfpaket", "Audit pack").to_owned(),
            header: [language.of("Angabe", "Item"), language.of("Wert", "Value")]
                .map(str::to_owned)
                .to_vec(),
            rows: rows.map(|(label, value)| vec![label.into(), value.into()]).to_vec(),
        }
    }

    fn timeline(&self, language: Language) -> Sheet {
        let row = |record: &PackedRecord| {
            let changes = i64::try_from(record.history.len()).unwrap_or(i64::MAX);
            let entry = &record.entry;
            vec![
                Cell::from(entry.on.to_string()),
                language.label(TimelineKind::SET, entry.kind.code()).into(),
                title_of(entry).into(),
                changes.into(),
                record.path().into(),
            ]
        };
        let header = [
            ("Tag", "Day"),
            ("Art", "Kind"),
            ("Was", "What"),
            ("Einträge im Verlauf", "Entries in the history"),
            ("Datei", "File"),
        ];
        Sheet {
            title: language.of("Verlauf", "Timeline").to_owned(),
            header: header.map(|(de, en)| language.of(de, en).to_owned()).to_vec(),
            rows: self.records.iter().map(row).collect(),
        }
    }

    fn attendance(&self, language: Language) -> Sheet {
        let mut rows = Vec::new();
        for event in self.records.iter().filter_map(|record| record.entry.event.as_ref()) {
            for it in &event.participations {
                let status = language.label(ParticipationStatus::SET, it.status.code());
                rows.push(vec![
                    Cell::from(event.starts_on.to_string()),
                    event.title.as_str().into(),
                    it.contact.as_ref().map_or(Cell::Empty, |contact| contact.name.as_str().into()),
                    i64::from(it.headcount).into(),
                    language.label("participation_role", it.role.code()).into(),
                    status.into(),
                ]);
            }
        }
        let header = [
            ("Tag", "Day"),
            ("Veranstaltung", "Event"),
            ("Kontakt", "Contact"),
            ("Personen", "Heads"),
            ("Rolle", "Role"),
            ("Stand", "Status"),
        ];
        Sheet {
            title: language.of("Teilnahmen", "Attendance").to_owned(),
            header: header.map(|(de, en)| language.of(de, en).to_owned()).to_vec(),
            rows,
        }
    }

    fn files<'a>(&self, language: Language, missing: impl Fn(&Attachment) -> &'a str) -> Sheet {
        let row = |it: &Attachment| {
            vec![
                Cell::from(it.name.as_str()),
                it.media_type.name().into(),
                it.bytes.into(),
                it.sha256.to_string().into(),
                attachment_path(it).into(),
                missing(it).into(),
            ]
        };
        let header = [
            ("Name", "Name"),
            ("Typ", "Type"),
            ("Bytes", "Bytes"),
            ("SHA-256", "SHA-256"),
            ("Datei", "File"),
            ("Fehlt", "Not packed"),
        ];
        Sheet {
            title: language.of("Anhänge", "Attachments").to_owned(),
            header: header.map(|(de, en)| language.of(de, en).to_owned()).to_vec(),
            rows: self.attachments.iter().map(row).collect(),
        }
    }
}
