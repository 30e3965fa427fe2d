//! The store of attachments beside the database: what is certainly nobody's is removed, what else differs is
//! reported.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, TryStreamExt};
use lotse_app::{App, attachment};
use lotse_domain::attachment::ContentHash;
use lotse_domain::id::AttachmentId;
use lotse_domain::{Error, Result};
use lotse_http::{Store, Stored};
use lotse_persistence::attachment::Expected;
use sha2::{Digest, Sha256};

/// An upload takes an hour at most, so what is older is under way no more.
pub const GRACE: TimeDelta = TimeDelta::hours(2);
/// What was not removed when it was voided is tried as long. What is left then, `lotse check` tells.
const VOIDED_LATELY: TimeDelta = TimeDelta::days(7);
/// As many objects are looked up in the database at once.
const AT_ONCE: usize = 500;

/// Removes what is certainly nobody's: contents that this program wrote before an instant and that got no
/// row, contents of attachments that were voided in the days before it or since, and what a power cut left of
/// uploads from before the instant. Answers how many objects went.
///
/// That the database does not know a content says nothing: it may be another installation's, or the
/// database may be an older copy, and the content is the only one there is.
///
/// What cannot be removed is told in the log and tried again with the next run; the others go all the same.
///
/// # Errors
/// When the database cannot be reached.
pub async fn sweep(app: &App, store: &Store, before: DateTime<Utc>) -> Result<usize> {
    let unfinished = {
        let store = store.clone();
        blocking(move || store.remove_unfinished(before)).await
    };
    let mut removed = unfinished.unwrap_or_else(|error| {
        tracing::warn!(%error, "unfinished uploads were not removed");
        0
    });
    let doubted = store.in_doubt_since(before);
    let known = expected_of(app, doubted.clone()).await?;
    for id in doubted {
        let gone = if known.contains_key(&id) { Ok(false) } else { remove(store, id).await };
        match gone {
            Ok(gone) => {
                removed += usize::from(gone);
                store.settle(id);
            }
            Err(error) => tracing::warn!(%id, %error, "a content without a row was not removed"),
        }
    }
    let worker = app.clone();
    let since = before - VOIDED_LATELY;
    for id in blocking(move || attachment::voided_since(&worker, since)).await? {
        match remove(store, id).await {
            Ok(gone) => removed += usize::from(gone),
            Err(error) => tracing::warn!(%id, %error, "a voided content was not removed"),
        }
    }
    Ok(removed)
}

/// Answers whether there was anything.
async fn remove(store: &Store, id: AttachmentId) -> Result<bool> {
    let found = store.size(id).await?.is_some();
    if found {
        store.remove(id).await?;
    }
    Ok(found)
}

/// Where store and database differ.
#[derive(Debug)]
pub enum Fault {
    Missing(AttachmentId),
    OtherSize { id: AttachmentId, expected: i64, found: u64 },
    OtherContent(AttachmentId),
    NotRemoved(AttachmentId),
    WithoutAttachment(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(id) => write!(f, "{id}: the content is missing"),
            Self::OtherSize { id, expected, found } => {
                write!(f, "{id}: the content has {found} bytes and should have {expected}")
            }
            Self::OtherContent(id) => write!(f, "{id}: the content has another SHA-256"),
            Self::NotRemoved(id) => {
                write!(f, "{id}: the attachment is voided and its content still there")
            }
            Self::WithoutAttachment(key) => write!(f, "{key}: belongs to no attachment"),
        }
    }
}

/// How many were compared, and how many differ.
#[derive(Debug, Default)]
pub struct Report {
    pub attachments: usize,
    pub faults: usize,
}

/// Compares all of it. A server may run meanwhile: what differs at first is looked at again.
///
/// # Errors
/// When the store or the database cannot be reached.
pub async fn check(
    app: &App,
    store: &Store,
    contents: bool,
    tell: &mut dyn FnMut(&Fault),
) -> Result<Report> {
    let mut report = Report::default();
    let mut fault = |fault: Fault, report: &mut Report| {
        tell(&fault);
        report.faults += 1;
    };
    let mut after = None;
    loop {
        let worker = app.clone();
        let expected = blocking(move || attachment::expected_after(&worker, after)).await?;
        let Some(last) = expected.last() else { break };
        after = Some(last.id);
        for expected in expected {
            report.attachments += 1;
            if let Some(found) = compare(app, store, &expected, contents).await? {
                fault(found, &mut report);
            }
        }
    }
    let mut listed = store.list().try_chunks(AT_ONCE);
    while let Some(chunk) = listed.next().await {
        let chunk = chunk.map_err(|error| error.1)?;
        let mut unknown = without_attachment(app, chunk).await?;
        if !unknown.is_empty() {
            // A content comes a moment before its row.
            actix_web::rt::time::sleep(Duration::from_secs(1)).await;
            unknown = without_attachment(app, unknown).await?;
        }
        for object in unknown {
            fault(Fault::WithoutAttachment(object.key), &mut report);
        }
    }
    Ok(report)
}

async fn compare(
    app: &App,
    store: &Store,
    expected: &Expected,
    contents: bool,
) -> Result<Option<Fault>> {
    let id = expected.id;
    let found = match (store.size(id).await?, expected.voided) {
        (None, true) => return Ok(None),
        (Some(_), true) => return Ok(Some(Fault::NotRemoved(id))),
        (None, false) => return missing(app, id).await,
        (Some(found), false) => found,
    };
    if i64::try_from(found) != Ok(expected.bytes) {
        return Ok(Some(Fault::OtherSize { id, expected: expected.bytes, found }));
    }
    if contents {
        let mut hash = Sha256::new();
        let Some(mut bytes) = store.read(id, 0..found).await? else {
            return missing(app, id).await;
        };
        while let Some(chunk) = bytes.next().await {
            hash.update(chunk.map_err(|error| Error::StoreUnavailable(error.into()))?);
        }
        if ContentHash(hash.finalize().into()) != expected.sha256 {
            return Ok(Some(Fault::OtherContent(id)));
        }
    }
    Ok(None)
}

/// A content that is not there, unless the attachment was voided since it was looked at.
async fn missing(app: &App, id: AttachmentId) -> Result<Option<Fault>> {
    let now = expected_of(app, vec![id]).await?;
    let voided = now.get(&id).is_some_and(|now| now.voided);
    Ok((!voided).then_some(Fault::Missing(id)))
}

/// Those of the objects that have no row.
async fn without_attachment(app: &App, objects: Vec<Stored>) -> Result<Vec<Stored>> {
    let expected = expected_of(app, objects.iter().filter_map(Stored::id).collect()).await?;
    let unknown = |object: &Stored| object.id().is_none_or(|id| !expected.contains_key(&id));
    Ok(objects.into_iter().filter(unknown).collect())
}

/// What the database says of these contents.
async fn expected_of(app: &App, ids: Vec<AttachmentId>) -> Result<HashMap<AttachmentId, Expected>> {
    let app = app.clone();
    let expected = blocking(move || attachment::expected_of(&app, &ids)).await?;
    Ok(expected.into_iter().map(|expected| (expected.id, expected)).collect())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = actix_web::rt::task::spawn_blocking(work).await;
    done.map_err(|panicked| Error::Internal(panicked.into()))?
}
