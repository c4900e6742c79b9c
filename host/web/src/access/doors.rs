//! Routes together with what they need: there is no way to make one without the other.

use std::collections::BTreeMap;

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{any, delete, get, post, put};
use isocenter_role::Action;

use super::as_routed;
use crate::app::AppState;

/// What a caller needs for a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing: it is for those who watch over the host.
    Nothing,
    /// A name, where authenticators are configured.
    Name,
    /// To be allowed this.
    May(Action),
}

/// What every route needs, by its path and method.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    /// `None`: whatever the method.
    of: BTreeMap<String, Vec<(Option<Method>, Need)>>,
}

impl Needs {
    /// What a request needs; `None` for a path that is not a route. A method that the path does not answer to needs a
    /// name, for it is answered that there is none.
    pub(crate) fn of(&self, path: &str, method: &Method) -> Option<Need> {
        let needs = self.of.get(path)?;
        let found = needs
            .iter()
            .find(|(known, _)| known.as_ref().is_none_or(|known| known == as_routed(method)));
        Some(found.map_or(Need::Name, |(_, need)| *need))
    }

    /// Every route with its method and need.
    #[cfg(test)]
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, Option<&Method>, Need)> {
        self.of.iter().flat_map(|(path, needs)| {
            needs
                .iter()
                .map(|(method, need)| (path.as_str(), method.as_ref(), *need))
        })
    }
}

/// Routes that are being made.
pub(crate) struct Doors {
    router: Router<AppState>,
    needs: Needs,
}

impl Doors {
    pub(crate) fn new() -> Self {
        Self {
            router: Router::new(),
            needs: Needs::default(),
        }
    }

    /// Answers `GET` and `HEAD`.
    pub(crate) fn get<H, T>(mut self, path: &str, need: Need, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.note(path, Some(Method::GET), need);
        self.router = self.router.route(path, get(handler));
        self
    }

    /// Answers `POST`.
    pub(crate) fn post<H, T>(mut self, path: &str, need: Need, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.note(path, Some(Method::POST), need);
        self.router = self.router.route(path, post(handler));
        self
    }

    /// Answers `PUT`.
    pub(crate) fn put<H, T>(mut self, path: &str, need: Need, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.note(path, Some(Method::PUT), need);
        self.router = self.router.route(path, put(handler));
        self
    }

    /// Answers `DELETE`.
    pub(crate) fn delete<H, T>(mut self, path: &str, need: Need, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.note(path, Some(Method::DELETE), need);
        self.router = self.router.route(path, delete(handler));
        self
    }

    /// Answers every method.
    pub(crate) fn any<H, T>(mut self, path: &str, need: Need, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        self.note(path, None, need);
        self.router = self.router.route(path, any(handler));
        self
    }

    /// With others'.
    pub(crate) fn merge(mut self, others: Doors) -> Self {
        self.router = self.router.merge(others.router);
        for (path, needs) in others.needs.of {
            self.needs.of.entry(path).or_default().extend(needs);
        }
        self
    }

    pub(crate) fn open(self) -> (Router<AppState>, Needs) {
        (self.router, self.needs)
    }

    fn note(&mut self, path: &str, method: Option<Method>, need: Need) {
        self.needs.of.entry(path.to_owned()).or_default().push((method, need));
    }
}

/// To search.
pub(crate) const SEARCH: Need = Need::May(Action::Search);
/// To read objects or their metadata.
pub(crate) const RETRIEVE: Need = Need::May(Action::Retrieve);
/// To bring objects.
pub(crate) const STORE: Need = Need::May(Action::Store);
/// To run the host.
pub(crate) const ADMIN: Need = Need::May(Action::Admin);
