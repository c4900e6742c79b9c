//! From a configuration to what runs: plugins loaded, names resolved to the roles that they are used in.
//!
//! Separate from the host because a reload does it again beside the set that runs, and `check` without a host. Nothing
//! here listens, stores or changes what runs; everything that is wrong is reported at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use isocenter_dicom::edit::SiteKey;
use isocenter_dimse::{ClientTls, UserIdentity, UserIdentityKind};
use isocenter_native::{EngineSpec, ModelSpec, Models};
use isocenter_pipeline::chain::{self, Chain};
use isocenter_pipeline::destination::{self, Destination};
use isocenter_pipeline::peer::Peer;
use isocenter_pipeline::{Set, SinkSpec};
use isocenter_plugin::{Grant, PluginSpec, Runtime, RuntimeOptions, Secret, StartError, Surroundings, Trust};
use isocenter_role::backing::Backing;
use isocenter_role::{LimitsOverride, Plugin};

use crate::backing;
use crate::config::{self, Config, Environment, SITE_KEY};
use crate::site_key;

/// Builds sets, one for each configuration, on one plugin runtime.
#[derive(Clone)]
pub struct Assembly {
    runtime: Arc<Runtime>,
    /// Without models: those are the configuration's.
    backing: Backing,
    /// Those of the last set that was built: what stays as it was is not loaded again.
    models: Arc<Mutex<Arc<Models>>>,
    environment: Arc<Environment>,
    key: [u8; 32],
}

impl Assembly {
    /// Starts the plugin runtime. `folder` is where compiled plugins are kept.
    ///
    /// # Errors
    /// When the engine does not start.
    pub fn start(
        folder: &std::path::Path,
        environment: &Environment,
        key: [u8; 32],
        backing: Backing,
    ) -> Result<Assembly, StartError> {
        let mut options = RuntimeOptions::new(folder.join("compiled"), SiteKey::new(key));
        // This very program, also where its file was replaced since it started.
        options.compiler = Some("/proc/self/exe".into());
        Ok(Assembly {
            runtime: Arc::new(Runtime::start(options)?),
            backing,
            models: Arc::default(),
            environment: Arc::new(environment.clone()),
            key,
        })
    }

    /// Loads every plugin of a configuration and puts them where it names them. Takes up to seconds for each plugin that
    /// is not compiled yet.
    ///
    /// # Errors
    /// A sentence for each thing that is wrong.
    pub async fn build(&self, config: &Config) -> Result<Set, Vec<String>> {
        let models = self.models(config).await.map_err(|problem| vec![problem])?;
        let around = Surroundings {
            destinations: config.destinations.keys().cloned().collect(),
            backing: Backing {
                models: Some(Arc::new(backing::Inference::new(Arc::clone(&models)))),
                ..self.backing.clone()
            },
        };
        let assembly = self.clone();
        let config = config.clone();
        let building = tokio::task::spawn_blocking(move || assembly.build_here(&config, &around));
        let set = building.await.map_err(|error| vec![error.to_string()])??;
        *self.models.lock().unwrap_or_else(PoisonError::into_inner) = models;
        Ok(set)
    }

    /// Loads engines and opens models.
    async fn models(&self, config: &Config) -> Result<Arc<Models>, String> {
        let before = Arc::clone(&self.models.lock().unwrap_or_else(PoisonError::into_inner));
        let engines = config
            .engines
            .iter()
            .map(|(name, engine)| {
                let digest = engine.digest.as_str().parse();
                Ok(EngineSpec {
                    name: name.clone(),
                    source: engine.source.clone(),
                    // The configuration does not read without it.
                    trusted: true,
                    digest: Some(digest.map_err(|error| format!("engine {name}: {error}"))?),
                    limits: isocenter_native::Limits::default(),
                })
            })
            .collect::<Result<Vec<_>, String>>()?;
        let models: Vec<ModelSpec> = config
            .models
            .iter()
            .map(|(name, model)| ModelSpec {
                name: name.clone(),
                engine: model.engine.clone(),
                file: model.file.clone(),
                digest: None,
            })
            .collect();
        let loaded = Models::load(&engines, &models, Some(&before)).await;
        loaded.map(Arc::new).map_err(|error| error.to_string())
    }

    fn build_here(&self, config: &Config, around: &Surroundings) -> Result<Set, Vec<String>> {
        let mut plugins: BTreeMap<String, Arc<dyn Plugin>> = BTreeMap::new();
        let mut problems = Vec::new();
        for (name, plugin) in &config.plugins {
            let loaded = self
                .spec(name, plugin, config)
                .and_then(|spec| self.runtime.load(spec, around).map_err(|error| error.to_string()));
            match loaded {
                Ok(plugin) => {
                    plugins.insert(name.clone(), plugin);
                }
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut cast = Cast {
            plugins: &plugins,
            environment: &self.environment,
            problems,
        };
        let mut set = Set {
            chains: config.chains.iter().map(|chain| cast.chain(chain)).collect(),
            destinations: config
                .destinations
                .iter()
                .flat_map(|(name, destination)| Some((name.clone(), cast.destination(name, destination, config)?)))
                .collect(),
            authenticators: cast.all("http.authenticate", &config.http.authenticate, Plugin::as_authenticator),
            authorizers: cast.all("http.authorize", &config.http.authorize, Plugin::as_authorizer),
            peer_authorizers: cast.all("dicom.authorize", &config.dicom.authorize, Plugin::as_authorizer),
            gates: cast.all("dicom.gate", &config.dicom.gate, Plugin::as_gate),
            sinks: config.sinks.iter().flat_map(|sink| cast.sink(sink)).collect(),
            routes: config
                .http
                .routes
                .iter()
                .flat_map(|name| Some((name.clone(), cast.one("http.routes", name, Plugin::as_route)?)))
                .collect(),
            threads: (!config.plugins.is_empty()).then(|| self.runtime.handle()),
            plugins: BTreeMap::new(),
        };
        let problems = cast.problems;
        if !problems.is_empty() {
            return Err(problems);
        }
        set.plugins = plugins;
        Ok(set)
    }

    fn spec(&self, name: &str, plugin: &config::Plugin, config: &Config) -> Result<PluginSpec, String> {
        let mut secrets = BTreeMap::new();
        for granted in &plugin.grant.secrets {
            let bytes = match config.secrets.get(granted) {
                Some(source) => source
                    .read(&self.environment)
                    .map_err(|error| format!("secret {granted}: {error}"))?,
                None if granted == SITE_KEY => site_key::for_plugins(&self.key).to_vec(),
                None => return Err(format!("plugin {name}: there is no secret {granted}")),
            };
            secrets.insert(granted.clone(), Secret::new(bytes));
        }
        Ok(PluginSpec {
            config: plugin.config.clone(),
            grant: Grant {
                secrets,
                state: plugin.grant.state.map(config::ByteSize::bytes),
                http: plugin.grant.http.iter().map(|url| url.as_str().to_owned()).collect(),
                jobs: plugin.grant.jobs.clone(),
                models: plugin.grant.models.clone(),
            },
            limits: LimitsOverride {
                memory: plugin.limits.memory.map(config::ByteSize::bytes),
                cpu: plugin.limits.cpu,
                wall: plugin.limits.wall,
                concurrency: plugin.limits.concurrency,
            },
            log_values: plugin.log_values,
            trust: Trust {
                digest: plugin.digest.as_ref().map(|digest| digest.as_str().to_owned()),
                public_key: plugin.public_key.clone(),
                signature: plugin.signature.clone(),
            },
            ..PluginSpec::new(name, &plugin.source)
        })
    }
}

/// Gives each name of the configuration the plugin in the role that it is named for.
struct Cast<'p> {
    plugins: &'p BTreeMap<String, Arc<dyn Plugin>>,
    environment: &'p Environment,
    problems: Vec<String>,
}

/// A plugin as one of its roles.
type As<R> = fn(Arc<dyn Plugin>) -> Option<Arc<R>>;

impl Cast<'_> {
    fn one<R: ?Sized>(
        &mut self,
        place: &str,
        name: &str,
        cast: fn(Arc<dyn Plugin>) -> Option<Arc<R>>,
    ) -> Option<Arc<R>> {
        self.plugin(place, name, false, cast)
    }

    fn all<R: ?Sized>(&mut self, place: &str, names: &[String], cast: As<R>) -> Vec<Arc<R>> {
        names.iter().filter_map(|name| self.one(place, name, cast)).collect()
    }

    /// The configuration was checked: every name is that of a plugin; which roles it plays only the component says.
    fn plugin<R: ?Sized>(&mut self, place: &str, name: &str, dry: bool, cast: As<R>) -> Option<Arc<R>> {
        let plugin = self.plugins.get(name)?;
        let roles: Vec<&str> = plugin.roles().iter().map(|role| role.as_str()).collect();
        let plugin = if dry { plugin.clone().dry() } else { plugin.clone() };
        let found = cast(plugin);
        if found.is_none() {
            self.problems.push(format!(
                "`{place}` names the plugin `{name}`, which does not play that role; it is: {}",
                roles.join(", ")
            ));
        }
        found
    }

    fn chain(&mut self, chain: &config::Chain) -> Chain {
        let mut named = OfChain {
            name: &chain.name,
            dry: chain.shadow,
            cast: self,
        };
        Chain {
            name: chain.name.clone(),
            when: chain.when.clone(),
            ingest: named.all("ingest", &chain.ingest, Plugin::as_filter),
            route: named.all("route", &chain.route, Plugin::as_router),
            study_route: named.all("study-route", &chain.study_route, Plugin::as_study_router),
            analyze: named.all("analyze", &chain.analyze, Plugin::as_analyzer),
            quiet: chain.quiet,
            shadow: chain.shadow,
            on_failure: match chain.on_failure {
                config::OnFailure::Quarantine => chain::OnFailure::Quarantine,
                config::OnFailure::Refuse => chain::OnFailure::Refuse,
            },
        }
    }

    fn destination(&mut self, name: &str, destination: &config::Destination, config: &Config) -> Option<Destination> {
        let target = match &destination.target {
            config::Target::Dicom(peer) => destination::Target::Dicom(Peer {
                ae_title: peer.ae_title.clone(),
                address: peer.address.to_string(),
                tls: match &peer.tls {
                    Some(tls) => Some(self.tls(name, tls)?),
                    None => None,
                },
                calling_ae: destination
                    .calling_ae_title
                    .clone()
                    .unwrap_or_else(|| config.dicom.ae_title.clone()),
                user: match &peer.user {
                    Some(user) => Some(self.user(name, user, config)?),
                    None => None,
                },
                commit_within: peer.commit_within,
            }),
            config::Target::Folder(folder) => destination::Target::Folder(folder.clone()),
        };
        Some(Destination {
            name: name.to_owned(),
            target,
            egress: self.all(
                &format!("egress of destination {name}"),
                &destination.egress,
                Plugin::as_filter,
            ),
            retry: destination::Retry {
                first: destination.retry.first,
                longest: destination.retry.longest,
                attempts: destination.retry.attempts,
            },
        })
    }

    /// As which user a destination is called (PS3.7 §D.3.3.7).
    fn user(&mut self, destination: &str, user: &config::User, config: &Config) -> Option<UserIdentity> {
        let passcode = match &user.passcode {
            None => None,
            Some(name) => {
                let secret = config
                    .secrets
                    .get(name)
                    .ok_or_else(|| format!("there is no secret {name}"));
                let read = secret.and_then(|source| source.read(self.environment).map_err(|error| error.to_string()));
                match read {
                    Ok(passcode) => Some(passcode),
                    Err(error) => {
                        self.problems
                            .push(format!("`user` of destination {destination}: {error}"));
                        return None;
                    }
                }
            }
        };
        Some(UserIdentity {
            kind: match passcode {
                None => UserIdentityKind::Username,
                Some(_) => UserIdentityKind::UsernamePasscode,
            },
            primary: user.name.clone().into(),
            secondary: passcode.unwrap_or_default().into(),
            response_requested: false,
        })
    }

    fn tls(&mut self, destination: &str, tls: &config::ClientTls) -> Option<ClientTls> {
        ClientTls::load(&tls.ca, tls.identity.as_ref())
            .inspect_err(|error| {
                self.problems
                    .push(format!("`tls` of destination {destination}: {error}"))
            })
            .ok()
    }

    fn sink(&mut self, sink: &config::Sink) -> Option<SinkSpec> {
        Some(SinkSpec {
            sink: self.one("plugin of [[sinks]]", &sink.plugin, Plugin::as_sink)?,
            batch: sink.batch,
            kinds: sink.kinds.clone(),
        })
    }
}

/// The plugins of one chain.
struct OfChain<'c, 'p> {
    name: &'c str,
    dry: bool,
    cast: &'c mut Cast<'p>,
}

impl OfChain<'_, '_> {
    fn all<R: ?Sized>(&mut self, key: &str, names: &[String], cast: As<R>) -> Vec<Arc<R>> {
        let place = format!("{key} of chain {}", self.name);
        let mut all = Vec::with_capacity(names.len());
        for name in names {
            all.extend(self.cast.plugin(&place, name, self.dry, cast));
        }
        all
    }
}
