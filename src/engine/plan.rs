//! What a run needs before its first update.

use std::sync::Arc;

use super::control::Control;
use super::error::{RunError, finished};
use super::folder::RunFolder;
use super::model::View;
use super::prepare;
use super::settings::Settings;
use crate::config::RunConfig;
use crate::data::{Dataset, PictureStore};
use crate::device::{self, OpenDevice};
use crate::model::{Preset, Variants, fitting_preset, preset};

/// Everything a run needs before its first update.
pub(super) struct Plan {
    pub config: RunConfig,
    pub settings: Settings,
    pub preset: &'static Preset,
    pub device: OpenDevice,
    pub store: Arc<PictureStore>,
    pub folder: RunFolder,
}

impl Plan {
    /// Checks the settings, opens the device, makes the folder and decodes the pictures, the quick things
    /// first. Nothing if it was stopped.
    pub fn make(
        control: &mut Control,
        idle: Option<View>,
        mut config: RunConfig,
    ) -> Result<Option<Self>, RunError> {
        config.validate().map_err(|e| RunError::bad_input(e.to_string()))?;
        let named = config.model.preset.as_deref().map(preset).transpose();
        let named = named.map_err(|e| RunError::bad_input(e.to_string()))?;
        if let Some(preset) = named {
            // A network that cannot be built is told before the pictures are looked for.
            let variants = Variants::resolve(&mut config.model.clone(), &preset.variants);
            preset.spec(2, &variants).map_err(|e| RunError::bad_input(e.to_string()))?;
        }
        let device = device::open(&config.run.device).map_err(|e| RunError::bad_input(e.to_string()))?;

        let Some(dataset) = finished(prepare::scan(control, idle, &config.data))? else { return Ok(None) };
        let found = dataset.description();
        let preset = named.unwrap_or_else(|| fitting_preset(found.typical_side));
        let settings = Settings::resolve(&mut config, preset);
        preset
            .spec(found.classes.len(), &settings.variants)
            .map_err(|e| RunError::bad_input(e.to_string()))?;
        let folder = RunFolder::create(config.run.out.as_deref(), preset.name, &config.data.source)?;
        config.run.out = Some(folder.path().into());

        match Self::decode(control, idle, dataset, preset, &config) {
            Ok(Some(store)) => Ok(Some(Self { config, settings, preset, device, store, folder })),
            Ok(None) => {
                folder.discard();
                Ok(None)
            }
            Err(error) => {
                folder.discard();
                Err(error)
            }
        }
    }

    fn decode(
        control: &mut Control,
        idle: Option<View>,
        dataset: Arc<dyn Dataset>,
        preset: &Preset,
        config: &RunConfig,
    ) -> Result<Option<Arc<PictureStore>>, RunError> {
        let side = preset.input().stored_side;
        let store = finished(prepare::decode(control, idle, dataset, side, &config.data))?;
        Ok(store.flatten().map(Arc::new))
    }
}
