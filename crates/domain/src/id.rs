//! Newtype ids. All are `UUIDv7` (RFC 9562), so they sort by the time they were made.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! ids {
    ($($name:ident),+ $(,)?) => {$(
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
        )]
        #[serde(transparent)]
        #[schema(value_type = String, format = Uuid)]
        pub struct $name(pub Uuid);

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

ids!(
    AccompanimentId,
    ActorId,
    ApiKeyId,
    AssignmentId,
    AttachmentId,
    AuditId,
    BulkChangeId,
    CarrierId,
    CompanyId,
    ConsultationId,
    ContactId,
    CorrectionId,
    CoverageId,
    DistrictId,
    DuplicatePairId,
    EstablishmentId,
    EventId,
    EventSeriesId,
    FundingPeriodId,
    MergeId,
    ImportId,
    ImportProfileId,
    JobId,
    OrganisationId,
    ParticipationId,
    IndicatorId,
    TargetId,
    ReportId,
    ProgrammeTemplateId,
    RecruitmentCaseId,
    ReferralId,
    SavedViewId,
    SessionId,
    SiteId,
    TagId,
    TaskId,
    TopicId,
    UserId,
);

// A company and an actor are organisations; the id stays the same.
impl From<CompanyId> for OrganisationId {
    fn from(id: CompanyId) -> Self {
        Self(id.0)
    }
}

impl From<ActorId> for OrganisationId {
    fn from(id: ActorId) -> Self {
        Self(id.0)
    }
}
