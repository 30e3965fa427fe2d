//! What a file means. To find out it is read, which takes a while, so it is done before anything is written.

use super::file::{self, Reading};
use super::settings::FileForm;
use super::{ArrivedFile, Detected, Import, ImportInput, ImportSettings};
use crate::Result;

/// How a file is read, and what was found out by reading it.
#[derive(Clone, Debug)]
pub struct Meaning {
    pub settings: ImportSettings,
    pub detected: Detected,
}

impl Meaning {
    /// What a file seems to mean. `profile` are the settings of files of this kind.
    ///
    /// # Errors
    /// `Invalid` when there is no table in the file.
    pub fn proposed(
        input: &ImportInput,
        file: &ArrivedFile,
        profile: Option<&ImportSettings>,
    ) -> Result<Self> {
        let mapped = profile.map_or(&[][..], |profile| &profile.columns);
        let reading = Reading { target: input.target, mapped };
        let mut detected = file::detect(&file.bytes, file.format, reading)?;
        let settings = match profile {
            None => ImportSettings::proposed(input.target, &detected),
            Some(profile) => {
                let settings = profile.for_file(&detected);
                if detected.columns.is_empty() && settings.form.is_readable(file.format) {
                    detected.form = settings.form.clone();
                    file::look(&file.bytes, file.format, reading, &mut detected)?;
                }
                settings.for_file(&detected).with_columns_of(&detected)
            }
        };
        Ok(Self { settings, detected })
    }

    /// What a person says that the file of an import means. When that is to read it in another way than it was looked
    /// at, `bytes` is looked at again, so that its columns are known.
    ///
    /// # Errors
    /// `Conflict` when it was started; `Invalid` when it does not fit the file.
    pub fn told(import: &Import, mut settings: ImportSettings, bytes: &[u8]) -> Result<Self> {
        import.check_draft()?;
        let mut detected = import.detected.clone();
        let read_by = |form: &FileForm| (form.encoding, form.delimiter, form.sheet.clone());
        if read_by(&settings.form) != read_by(&detected.form) {
            detected.form = settings.form.clone();
            let reading = Reading { target: import.target, mapped: &settings.columns };
            file::look(bytes, import.format, reading, &mut detected)?;
            // What could not be told before, and was not said.
            let form = &mut settings.form;
            form.date_form = form.date_form.or(detected.form.date_form);
            form.number_form = form.number_form.or(detected.form.number_form);
            // With the columns that can be told, once it is known how to read the file.
            if settings.columns.is_empty() {
                settings.columns = ImportSettings::proposed(import.target, &detected).columns;
            }
        }
        settings.check(import.target, Some(&detected))?;
        Ok(Self { settings, detected })
    }
}
