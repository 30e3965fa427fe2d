//! What a merge would do, and the token that does exactly that.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{MergeChoice, MergeCount, MergeField, MergeSide, MergedField, Registered};
use crate::code::codes;
use crate::error::{Error, Result};
use crate::organisation::OrganisationReference;

/// A field of both, and what would be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MergeFieldPreview {
    pub field: MergeField,
    #[schema(required, example = json!("https://musterwerk.example"))]
    pub survivor: Value,
    #[schema(required, example = json!(null))]
    pub other: Value,
    #[schema(required, example = json!("https://musterwerk.example"))]
    pub value: Value,
    /// Whose value would be kept.
    pub kept: MergeSide,
    pub differs: bool,
}

codes! {
    "merge_obstacle" MergeObstacleCode {
        /// Both are being accompanied, and a company is by one programme at a time.
        OpenAccompaniments,
        /// What is archived does not change.
        Archived,
    }
}

/// Why the two cannot be merged as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MergeObstacle {
    pub code: MergeObstacleCode,
    #[schema(
        example = "Both companies are being accompanied. Complete or end one of the accompaniments first."
    )]
    pub detail: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MergePreview {
    pub survivor: OrganisationReference,
    pub survivor_version: i64,
    pub other: OrganisationReference,
    pub other_version: i64,
    pub fields: Vec<MergeFieldPreview>,
    /// What names the other one, by reference and carrier.
    pub references: Vec<MergeCount>,
    /// What is in the way; the merge is refused with 409 as long as there is something.
    pub obstacles: Vec<MergeObstacle>,
    /// Stands for both records as they are and for what would move. Choices may change after the preview.
    pub token: String,
}

/// Two organisations that are to be one, with what the rules need to know of them.
#[derive(Debug)]
pub struct Merging {
    pub survivor: Registered,
    pub other: Registered,
    pub references: Vec<MergeCount>,
    /// Whether each is being accompanied.
    pub accompanied: [bool; 2],
}

impl Merging {
    /// # Errors
    /// `Invalid` when the two are one, or of different kinds.
    pub fn check_pair(survivor: &Registered, other: &Registered) -> Result<()> {
        const POINTER: &str = "/other_id";
        let (one, two) = (survivor.reference(), other.reference());
        if one.id == two.id {
            return Err(Error::invalid(POINTER, "same_organisation", "must be another one"));
        }
        if one.kind != two.kind {
            return Err(Error::invalid(
                POINTER,
                "of_another_kind",
                "must be of the same kind: companies are merged with companies, actors with actors",
            ));
        }
        Ok(())
    }

    fn obstacles(&self) -> Vec<MergeObstacle> {
        let mut obstacles = Vec::new();
        for it in [&self.survivor, &self.other] {
            if let Some(archived) = it.archived() {
                let on = crate::time::local_date(archived.at);
                let name = it.reference().name;
                obstacles.push(MergeObstacle {
                    code: MergeObstacleCode::Archived,
                    detail: format!("{name} was archived on {on}: {}", archived.reason),
                });
            }
        }
        if self.accompanied == [true, true] {
            obstacles.push(MergeObstacle {
                code: MergeObstacleCode::OpenAccompaniments,
                detail: "Both companies are being accompanied. Complete or end one of the \
                    accompaniments first."
                    .to_owned(),
            });
        }
        obstacles
    }

    /// # Errors
    /// `Invalid` when a choice is about a field that they do not have.
    pub fn preview(&self, choices: &[MergeChoice]) -> Result<MergePreview> {
        let fields = self.survivor.fields(&self.other, choices)?;
        let fields = fields.into_iter().map(|field| MergeFieldPreview {
            differs: field.survivor != field.other,
            value: match field.kept {
                MergeSide::Survivor => field.survivor.clone(),
                MergeSide::Other => field.other.clone(),
            },
            field: field.field,
            survivor: field.survivor,
            other: field.other,
            kept: field.kept,
        });
        let preview = MergePreview {
            survivor: self.survivor.reference(),
            survivor_version: self.survivor.version(),
            other: self.other.reference(),
            other_version: self.other.version(),
            fields: fields.collect(),
            references: self.references.clone(),
            obstacles: self.obstacles(),
            token: self.token()?,
        };
        Ok(preview)
    }

    fn token(&self) -> Result<String> {
        let seen = (
            (self.survivor.id(), self.survivor.version()),
            (self.other.id(), self.other.version()),
            &self.references,
            self.obstacles(),
        );
        let json = serde_json::to_vec(&seen).map_err(|error| Error::Internal(error.into()))?;
        Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(json)))
    }

    /// The fields in which the two differ, if what was seen is what there is and nothing is in the way.
    ///
    /// # Errors
    /// `Conflict` for an obstacle or the token of another preview; `Invalid` without a token, or when a choice
    /// is about a field that they do not have.
    pub fn as_seen(
        &self,
        choices: &[MergeChoice],
        token: Option<&str>,
    ) -> Result<Vec<MergedField>> {
        let token = token
            .ok_or_else(|| Error::invalid("/token", "missing", "must be the token of a preview"))?;
        if let Some(obstacle) = self.obstacles().into_iter().next() {
            let code = match obstacle.code {
                MergeObstacleCode::OpenAccompaniments => "open_accompaniments",
                MergeObstacleCode::Archived => "archived",
            };
            return Err(Error::conflict(code, obstacle.detail));
        }
        let fields = self.survivor.fields(&self.other, choices)?;
        if token != self.token()? {
            return Err(Error::conflict(
                "another_preview",
                "Merging would do something else than that preview showed; ask for a new one.",
            ));
        }
        Ok(fields.into_iter().filter(|field| field.survivor != field.other).collect())
    }
}
