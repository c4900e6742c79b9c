-- What plugins need of the database: what they remember.

-- A version is never the same twice for a key, even when the key was deleted in between.
CREATE SEQUENCE plugin_state_versions;

-- Small values, private to a configured plugin. Keys are compared byte by byte, which is the order of UTF-8.
CREATE TABLE plugin_state (
    plugin text COLLATE "C" NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL,
    version bigint NOT NULL,
    -- From then on the entry is as absent, and may be deleted.
    expires timestamptz,
    -- Which of the plugin's slots counts its bytes; follows from the key.
    slot smallint NOT NULL,
    PRIMARY KEY (plugin, key)
) WITH (fillfactor = 80);
CREATE INDEX plugin_state_expiring ON plugin_state (expires) WHERE expires IS NOT NULL;

-- How many bytes of keys and values a plugin has, in several rows so that writers of different keys seldom wait for each other.
CREATE TABLE plugin_state_slots (
    plugin text COLLATE "C" NOT NULL,
    slot smallint NOT NULL,
    bytes bigint NOT NULL,
    PRIMARY KEY (plugin, slot)
) WITH (fillfactor = 20);
