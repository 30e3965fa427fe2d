//! What is recorded of the steps of plans. Accompaniments and recruitment cases keep it in a table each.

/// Declares the row of a table of steps. A macro, because diesel binds a row to one table and the tables have
/// the same columns beside the one that names the run.
macro_rules! step_row {
    ($row:ident, $table:ident, $run:ident) => {
        #[derive(diesel::Queryable, diesel::Insertable)]
        #[diesel(table_name = $table, treat_none_as_default_value = false)]
        pub(super) struct $row {
            pub $run: $crate::sql_types::Key,
            position: i32,
            code: String,
            awaited_on: Option<$crate::sql_types::Day>,
            baseline_on: Option<$crate::sql_types::Day>,
            planned_on: Option<$crate::sql_types::Day>,
            override_on: Option<$crate::sql_types::Day>,
            override_reason: Option<String>,
            override_by: Option<$crate::sql_types::Key>,
            override_at: Option<$crate::sql_types::At>,
            done_on: Option<$crate::sql_types::Day>,
            done_note: Option<String>,
            done_by: Option<$crate::sql_types::Key>,
            done_at: Option<$crate::sql_types::At>,
            waive_reason: Option<String>,
            waived_by: Option<$crate::sql_types::Key>,
            waived_at: Option<$crate::sql_types::At>,
        }

        impl $row {
            /// The steps of a run, with the days that they are awaited by.
            pub fn of(
                run: $crate::sql_types::Key,
                steps: &[lotse_domain::plan::Step],
                awaited_on: &[Option<chrono::NaiveDate>],
            ) -> Vec<Self> {
                use $crate::sql_types::{At, Day, Key};
                (0..)
                    .zip(steps.iter().zip(awaited_on))
                    .map(|(position, (step, awaited_on))| {
                        let overridden = step.overridden.as_ref();
                        let (done, waived) = (step.done.as_ref(), step.waived.as_ref());
                        Self {
                            $run: run,
                            position,
                            code: step.definition.code.clone(),
                            awaited_on: awaited_on.map(Day),
                            baseline_on: step.baseline_on.map(Day),
                            planned_on: step.planned_on.map(Day),
                            override_on: overridden.map(|it| Day(it.on)),
                            override_reason: overridden.map(|it| it.reason.clone()),
                            override_by: overridden.map(|it| Key(it.by.id)),
                            override_at: overridden.map(|it| At(it.at)),
                            done_on: done.map(|it| Day(it.on)),
                            done_note: done.and_then(|it| it.note.clone()),
                            done_by: done.map(|it| Key(it.by.id)),
                            done_at: done.map(|it| At(it.at)),
                            waive_reason: waived.map(|it| it.reason.clone()),
                            waived_by: waived.map(|it| Key(it.by.id)),
                            waived_at: waived.map(|it| At(it.at)),
                        }
                    })
                    .collect()
            }

            /// Puts what is recorded to what the template says of the step.
            pub fn put(
                self,
                steps: &mut [lotse_domain::plan::Step],
                names: &$crate::names::Names,
            ) -> lotse_domain::Result<()> {
                use lotse_domain::plan::{StepDone, StepOverride, StepWaived};
                let at = usize::try_from(self.position).unwrap_or(usize::MAX);
                let step = steps
                    .get_mut(at)
                    .filter(|step| step.definition.code == self.code)
                    .ok_or_else(|| {
                        let message = format!("the template has no step {} there", self.code);
                        lotse_domain::Error::internal(message)
                    })?;
                step.baseline_on = self.baseline_on.map(|day| day.0);
                step.planned_on = self.planned_on.map(|day| day.0);
                if let (Some(on), Some(by), Some(at)) =
                    (self.override_on, self.override_by, self.override_at)
                {
                    let reason = self.override_reason.unwrap_or_default();
                    let by = names.reference(by)?;
                    step.overridden = Some(StepOverride { on: on.0, reason, by, at: at.0 });
                }
                if let (Some(on), Some(by), Some(at)) = (self.done_on, self.done_by, self.done_at) {
                    let by = names.reference(by)?;
                    step.done = Some(StepDone { on: on.0, note: self.done_note, by, at: at.0 });
                }
                if let (Some(by), Some(at)) = (self.waived_by, self.waived_at) {
                    let reason = self.waive_reason.unwrap_or_default();
                    step.waived = Some(StepWaived { reason, by: names.reference(by)?, at: at.0 });
                }
                Ok(())
            }
        }
    };
}
