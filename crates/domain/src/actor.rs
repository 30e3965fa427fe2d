//! Network actor (Akteur): authorities, chambers, associations and others that the centres work
//! with. Not to be confused with [`crate::policy::Actor`], the user behind a request.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::check::Checks;
use crate::code::codes;
use crate::company::check_not_archived;
use crate::entity::{Archived, Entity, EntityKind, Reference};
use crate::error::Result;
use crate::id::{ActorId, DistrictId, TagId};
use crate::organisation::{Address, OrganisationSort, Origin, checked_website};

codes! {
    "actor_type" ActorType {
        /// Ausländerbehörde.
        ImmigrationAuthority,
        /// Arbeitgeber-Service der Bundesagentur für Arbeit.
        EmployerService,
        JobCentre,
        /// Industrie- und Handelskammer.
        ChamberIndustry,
        /// Handwerkskammer.
        ChamberCrafts,
        RecognitionBody,
        /// Auslandsvertretung.
        MissionAbroad,
        Municipality,
        Ministry,
        EmployersAssociation,
        TradeUnion,
        WelcomeCentre,
        EducationProvider,
        MigrantOrganisation,
        IqProject,
        PlacementAgency,
        University,
        Other,
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Welcome Center Musterstadt",
    "actor_type": "welcome_centre",
    "address": {"postcode": "35390", "city": "Gießen"},
    "district_id": "01890000-0000-7000-8000-000006531000"
}))]
pub struct ActorInput {
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    pub actor_type: ActorType,
    #[schema(max_length = 200)]
    pub website: Option<String>,
    #[serde(default)]
    pub address: Address,
    pub district_id: Option<DistrictId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Actor {
    pub id: ActorId,
    pub name: String,
    pub actor_type: ActorType,
    #[schema(required)]
    pub website: Option<String>,
    pub address: Address,
    #[schema(required)]
    pub district: Option<Reference>,
    pub origin: Origin,
    #[schema(required)]
    pub archived: Option<Archived>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ActorFilter {
    /// Part of the name; case, umlauts, accents and punctuation do not matter.
    pub q: Option<String>,
    pub actor_type: Option<ActorType>,
    pub district_id: Option<DistrictId>,
    /// A tag that the own carrier gave.
    pub tag_id: Option<TagId>,
    /// Archived ones too; without it they are left out.
    pub archived: Option<bool>,
    /// `name` (the default), `-name` or `-updated_at`.
    #[param(inline)]
    pub sort: Option<OrganisationSort>,
}

impl Actor {
    /// # Errors
    /// `Invalid` with everything that is wrong.
    pub fn new(
        id: ActorId,
        now: DateTime<Utc>,
        input: &ActorInput,
        district: Option<Reference>,
    ) -> Result<Self> {
        let mut checks = Checks::new();
        let actor = Self {
            id,
            name: checks.line("/name", &input.name, 200),
            actor_type: input.actor_type,
            website: checked_website(&mut checks, input.website.as_deref()),
            address: input.address.checked(&mut checks),
            district,
            origin: Origin::Entered,
            archived: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        checks.require(
            actor.name.is_empty() || !crate::name::fold(&actor.name).is_empty(),
            "/name",
            "no_letters",
            "must have letters or digits",
        );
        checks.finish()?;
        Ok(actor)
    }

    /// # Errors
    /// As [`Self::new`]; `Conflict` when it is archived.
    pub fn changed(
        &self,
        now: DateTime<Utc>,
        input: &ActorInput,
        district: Option<Reference>,
    ) -> Result<Self> {
        check_not_archived(self.archived.as_ref())?;
        let new = Self::new(self.id, now, input, district)?;
        Ok(Self {
            version: self.version + 1,
            created_at: self.created_at,
            origin: self.origin,
            ..new
        })
    }

    /// # Errors
    /// `Conflict` when it is archived already.
    pub fn archived(&self, now: DateTime<Utc>, reason: String) -> Result<Self> {
        check_not_archived(self.archived.as_ref())?;
        Ok(Self {
            archived: Some(Archived { at: now, reason }),
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        })
    }
}

impl From<&Actor> for ActorInput {
    fn from(actor: &Actor) -> Self {
        Self {
            name: actor.name.clone(),
            actor_type: actor.actor_type,
            website: actor.website.clone(),
            address: actor.address.clone(),
            district_id: actor.district.as_ref().map(|district| district.id.into()),
        }
    }
}

impl Entity for Actor {
    const KIND: EntityKind = EntityKind::Actor;

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> i64 {
        self.version
    }
}
