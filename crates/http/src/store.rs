//! Where the contents of attachments are: a folder on this machine, or a bucket of a store that speaks
//! S3. Each is an object under the id of its attachment, written once and never changed.
//!
//! It is in `http` beside `oidc`: it moves bytes from and to connections, asynchronously, and knows no
//! database; `lotse_app::attachment` is synchronous and knows no bytes.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use lotse_domain::id::AttachmentId;
use lotse_domain::{Error, Result};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use object_store::{
    GetOptions, GetRange, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig,
};

/// What is kept in memory of a content under way. A folder takes any amount.
const FOLDER_PART: usize = 256 * 1024;
/// S3 takes no smaller part, but for the last.
const BUCKET_PART: usize = 5 * 1024 * 1024;

/// Contents of which it is not known what became of them, with when that was.
type Doubts = HashMap<AttachmentId, DateTime<Utc>>;

/// Cloning shares it.
#[derive(Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    /// None for a bucket.
    folder: Option<PathBuf>,
    part: usize,
    in_doubt: Arc<Mutex<Doubts>>,
}

/// An object as the store lists it.
#[derive(Clone, Debug)]
pub struct Stored {
    pub key: String,
    pub bytes: u64,
}

impl Stored {
    /// None for what Lotse did not put there.
    #[must_use]
    pub fn id(&self) -> Option<AttachmentId> {
        self.key.parse().ok().map(AttachmentId)
    }
}

impl Store {
    /// `location` is a folder, made if it is not there, or `s3://bucket/prefix`, whose address and
    /// credentials are in the usual variables of the environment (`AWS_…`).
    ///
    /// # Errors
    /// When there is no such place.
    pub fn open(location: &str) -> Result<Self> {
        match location.strip_prefix("s3://") {
            Some(place) => {
                let builder = AmazonS3Builder::from_env().with_retry(RetryConfig {
                    max_retries: 3,
                    retry_timeout: Duration::from_secs(20),
                    ..RetryConfig::default()
                });
                Self::bucket(place, builder)
            }
            None => Self::folder(Path::new(location)),
        }
    }

    fn folder(path: &Path) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::internal(format!("cannot use the folder {}: {error}", path.display()))
        };
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        // Readable by the owner only: it holds personal data.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(|error| failed(&error))?;
        let objects = LocalFileSystem::new_with_prefix(path).map_err(|error| failed(&error))?;
        // What was acknowledged survives a power cut, as in the database: file and folder are synced
        // before an upload counts as done.
        let objects = Arc::new(objects.with_fsync(true));
        Ok(Self {
            objects,
            folder: Some(path.to_owned()),
            part: FOLDER_PART,
            in_doubt: Arc::default(),
        })
    }

    fn bucket(place: &str, builder: AmazonS3Builder) -> Result<Self> {
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let objects = builder
            .with_bucket_name(bucket)
            // One at a time, as every such store can.
            .with_disable_bulk_delete(true)
            .build()
            .map_err(|error| Error::internal(format!("cannot use the bucket {bucket}: {error}")))?;
        let objects: Arc<dyn ObjectStore> = match prefix.trim_matches('/') {
            "" => Arc::new(objects),
            prefix => Arc::new(PrefixStore::new(objects, prefix)),
        };
        Ok(Self { objects, folder: None, part: BUCKET_PART, in_doubt: Arc::default() })
    }

    /// Begins a content. Until it is finished, nobody sees it.
    #[must_use]
    pub fn begin(&self, id: AttachmentId) -> Upload {
        Upload {
            objects: Arc::clone(&self.objects),
            key: key(id),
            part: self.part,
            waiting: Vec::new(),
            parts: None,
        }
    }

    /// A part of a content, as it is read; none when there is no such content.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn read(
        &self,
        id: AttachmentId,
        range: Range<u64>,
    ) -> Result<Option<BoxStream<'static, std::io::Result<Bytes>>>> {
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        match self.objects.get_opts(&key(id), options).await {
            Ok(found) => Ok(Some(found.into_stream().map_err(std::io::Error::other).boxed())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Removes a content, or nothing.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn remove(&self, id: AttachmentId) -> Result<()> {
        match self.objects.delete(&key(id)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Says that a content written here may be there without a row: the database did not tell, or it could
    /// not be removed. It is looked at later, by [`Self::in_doubt_since`].
    pub fn doubt(&self, id: AttachmentId, at: DateTime<Utc>) {
        self.doubted().insert(id, at);
    }

    /// Of the contents in doubt, those from before an instant.
    #[must_use]
    pub fn in_doubt_since(&self, before: DateTime<Utc>) -> Vec<AttachmentId> {
        let doubted = self.doubted();
        doubted.iter().filter(|(_, at)| **at < before).map(|(id, _)| *id).collect()
    }

    /// What became of a content is known.
    pub fn settle(&self, id: AttachmentId) {
        self.doubted().remove(&id);
    }

    fn doubted(&self) -> MutexGuard<'_, Doubts> {
        self.in_doubt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The size of a content; none when there is none.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn size(&self, id: AttachmentId) -> Result<Option<u64>> {
        match self.objects.head(&key(id)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Everything that is finished, in no particular order.
    pub fn list(&self) -> BoxStream<'static, Result<Stored>> {
        self.objects
            .list(None)
            .map(|found| {
                let found = found.map_err(unavailable)?;
                Ok(Stored { key: found.location.to_string(), bytes: found.size })
            })
            .boxed()
    }

    /// Removes what a power cut left of uploads that were begun before an instant. Answers how many. A
    /// bucket does that by itself, by a rule for unfinished uploads.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub fn remove_unfinished(&self, before: DateTime<Utc>) -> Result<usize> {
        let Some(folder) = &self.folder else { return Ok(0) };
        let mut removed = 0;
        for entry in std::fs::read_dir(folder).map_err(unavailable)? {
            let entry = entry.map_err(unavailable)?;
            // `object_store` writes into a file beside the final one: its name, `#` and a number.
            let name = entry.file_name();
            let unfinished =
                name.to_str().and_then(|name| name.split_once('#')).is_some_and(|(id, number)| {
                    id.parse::<uuid::Uuid>().is_ok() && number.parse::<u64>().is_ok()
                });
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            if unfinished && modified.is_ok_and(|at| DateTime::<Utc>::from(at) < before) {
                std::fs::remove_file(entry.path()).map_err(unavailable)?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

fn key(id: AttachmentId) -> object_store::path::Path {
    object_store::path::Path::from(id.to_string())
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::StoreUnavailable(error.into())
}

/// A content on its way into the store. Dropped before it is finished, it leaves nothing behind.
pub struct Upload {
    objects: Arc<dyn ObjectStore>,
    key: object_store::path::Path,
    part: usize,
    waiting: Vec<u8>,
    /// Begun with the first part that is full.
    parts: Option<Box<dyn MultipartUpload>>,
}

impl Upload {
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        self.waiting.extend_from_slice(chunk);
        while self.waiting.len() >= self.part {
            let rest = self.waiting.split_off(self.part);
            let full = std::mem::replace(&mut self.waiting, rest);
            let parts = match &mut self.parts {
                Some(parts) => parts,
                none => {
                    let begun = self.objects.put_multipart(&self.key).await.map_err(unavailable)?;
                    none.insert(begun)
                }
            };
            parts.put_part(PutPayload::from(full)).await.map_err(unavailable)?;
        }
        Ok(())
    }

    /// Makes it an object, whole and durable.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn finish(mut self) -> Result<()> {
        let rest = PutPayload::from(std::mem::take(&mut self.waiting));
        match &mut self.parts {
            None => drop(self.objects.put(&self.key, rest).await.map_err(unavailable)?),
            Some(parts) => {
                if rest.content_length() > 0 {
                    parts.put_part(rest).await.map_err(unavailable)?;
                }
                parts.complete().await.map_err(unavailable)?;
                self.parts = None;
            }
        }
        Ok(())
    }

    /// Forgets it. What cannot be removed now is removed by housekeeping.
    pub async fn abort(mut self) {
        let Some(mut parts) = self.parts.take() else { return };
        // By itself: the request may be dropped meanwhile.
        let aborted = tokio::spawn(async move { parts.abort().await }).await;
        if let Ok(Err(error)) = aborted {
            tracing::warn!(%error, "an upload that was refused was not removed");
        }
    }
}

impl Drop for Upload {
    /// The client has gone: its request is dropped where it stands.
    fn drop(&mut self) {
        if let Some(mut parts) = self.parts.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move { parts.abort().await });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Write;
    use std::sync::Mutex;

    use actix_web::web::{self, Data};
    use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
    use uuid::Uuid;

    use super::*;

    /// As much of S3 as is used here.
    #[derive(Default)]
    struct FakeBucket {
        objects: Mutex<BTreeMap<String, Vec<u8>>>,
        parts: Mutex<BTreeMap<String, BTreeMap<u32, Vec<u8>>>>,
    }

    async fn answer(
        bucket: Data<FakeBucket>,
        request: HttpRequest,
        body: web::Bytes,
    ) -> HttpResponse {
        let header = |name: &str| {
            request.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        assert!(header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=me/"));
        let query: BTreeMap<String, String> =
            serde_html_form::from_str(request.query_string()).unwrap();
        let key =
            request.path().strip_prefix("/bucket").unwrap().trim_start_matches('/').to_owned();
        let (mut objects, mut parts) =
            (bucket.objects.lock().unwrap(), bucket.parts.lock().unwrap());
        let upload = query.get("uploadId").cloned().unwrap_or_default();
        let mut ok = HttpResponse::Ok();
        ok.insert_header(("ETag", "\"1\""));
        ok.insert_header(("Last-Modified", "Mon, 16 Mar 2026 09:00:00 GMT"));
        match request.method().as_str() {
            "POST" if query.contains_key("uploads") => {
                parts.insert(key.clone(), BTreeMap::new());
                ok.body(format!(
                    "<InitiateMultipartUploadResult><UploadId>{key}</UploadId>\
                     </InitiateMultipartUploadResult>"
                ))
            }
            "PUT" if !upload.is_empty() => {
                let number = query["partNumber"].parse().unwrap();
                parts.get_mut(&upload).unwrap().insert(number, body.to_vec());
                ok.finish()
            }
            "POST" => {
                let whole = parts.remove(&upload).unwrap().into_values().collect::<Vec<_>>();
                let (_, full) = whole.split_last().unwrap();
                assert!(full.iter().all(|part| part.len() >= BUCKET_PART), "S3 refuses these");
                objects.insert(key, whole.concat());
                ok.body(
                    "<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>",
                )
            }
            "PUT" => {
                objects.insert(key, body.to_vec());
                ok.finish()
            }
            "DELETE" => {
                parts.remove(&upload);
                objects.remove(&key);
                HttpResponse::NoContent().finish()
            }
            "GET" if query.contains_key("list-type") => {
                let mut xml = "<ListBucketResult>".to_owned();
                let prefix = query.get("prefix").cloned().unwrap_or_default();
                for (key, bytes) in objects.iter().filter(|(key, _)| key.starts_with(&prefix)) {
                    write!(
                        xml,
                        "<Contents><Key>{key}</Key><LastModified>2026-03-16T09:00:00.000Z\
                         </LastModified><Size>{}</Size></Contents>",
                        bytes.len()
                    )
                    .unwrap();
                }
                ok.body(xml + "</ListBucketResult>")
            }
            _ => {
                let Some(bytes) = objects.get(&key) else {
                    return HttpResponse::NotFound().body("<Error><Code>NoSuchKey</Code></Error>");
                };
                let range = header("range");
                let Some((first, last)) =
                    range.strip_prefix("bytes=").and_then(|range| range.split_once('-'))
                else {
                    return ok.body(bytes.clone());
                };
                let first: usize = first.parse().unwrap();
                let end = bytes.len().min(last.parse::<usize>().unwrap() + 1);
                let told = format!("bytes {first}-{}/{}", end - 1, bytes.len());
                ok.status(actix_web::http::StatusCode::PARTIAL_CONTENT);
                ok.insert_header(("Content-Range", told)).body(bytes[first..end].to_vec())
            }
        }
    }

    async fn read(store: &Store, id: AttachmentId, range: Range<u64>) -> Vec<u8> {
        let bytes = store.read(id, range).await.unwrap().unwrap();
        let chunks: Vec<_> = bytes.try_collect().await.unwrap();
        chunks.concat()
    }

    /// What every kind of store does.
    async fn keeps_contents(store: &Store) {
        let (large, small) = (AttachmentId(Uuid::from_u128(1)), AttachmentId(Uuid::from_u128(2)));
        let content: Vec<u8> = (0_u32..3_000_000).flat_map(u32::to_le_bytes).collect();
        let mut upload = store.begin(large);
        for chunk in content.chunks(60_001) {
            upload.write(chunk).await.unwrap();
        }
        assert_eq!(store.size(large).await.unwrap(), None, "not yet");
        upload.finish().await.unwrap();
        let mut upload = store.begin(small);
        upload.write(b"small").await.unwrap();
        upload.finish().await.unwrap();

        assert_eq!(store.size(large).await.unwrap(), Some(12_000_000));
        assert!(read(store, large, 0..12_000_000).await == content);
        assert_eq!(read(store, large, 6_000_000..6_000_003).await, content[6_000_000..6_000_003]);
        assert_eq!(read(store, small, 0..5).await, b"small");
        let mut listed: Vec<Stored> = store.list().try_collect().await.unwrap();
        listed.sort_by_key(Stored::id);
        let listed: Vec<_> = listed.iter().map(|object| (object.id(), object.bytes)).collect();
        assert_eq!(listed, [(Some(large), 12_000_000), (Some(small), 5)]);

        store.remove(large).await.unwrap();
        store.remove(large).await.unwrap();
        assert_eq!(store.size(large).await.unwrap(), None);
        assert!(store.read(large, 0..1).await.unwrap().is_none());

        // Refused, or left by a client that went.
        for refused in [true, false] {
            let mut upload = store.begin(large);
            upload.write(&content).await.unwrap();
            if refused {
                upload.abort().await;
            } else {
                drop(upload);
            }
        }
        actix_web::rt::time::sleep(Duration::from_millis(500)).await;
        let listed: Vec<Stored> = store.list().try_collect().await.unwrap();
        assert_eq!(listed.len(), 1);
    }

    #[actix_web::test]
    async fn a_folder_keeps_contents() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("below").join("attachments");
        let store = Store::open(place.to_str().unwrap()).unwrap();
        keeps_contents(&store).await;
        assert_eq!(std::fs::read_dir(&place).unwrap().count(), 1, "nor is there a file half done");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&place).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
    }

    #[actix_web::test]
    async fn a_bucket_keeps_contents() {
        let bucket = Data::new(FakeBucket::default());
        let state = bucket.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(state.clone())
                .app_data(web::PayloadConfig::new(64 * 1024 * 1024))
                .default_service(web::to(answer))
        });
        let server = server.workers(1).bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let builder = AmazonS3Builder::new()
            .with_endpoint(endpoint)
            .with_allow_http(true)
            .with_access_key_id("me")
            .with_secret_access_key("secret");
        let store = Store::bucket("bucket/some/where", builder).unwrap();
        keeps_contents(&store).await;
        let keys: Vec<_> = bucket.objects.lock().unwrap().keys().cloned().collect();
        assert_eq!(keys, [format!("some/where/{}", Uuid::from_u128(2))]);
        assert!(bucket.parts.lock().unwrap().is_empty(), "no upload is left open");
        handle.stop(false).await;
    }
}
