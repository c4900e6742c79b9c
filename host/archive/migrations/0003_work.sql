-- Who sent an object, and how often it (or what it was made from) came in by the doing of a plugin.
ALTER TABLE objects ADD COLUMN subject text COLLATE "C", ADD COLUMN hops smallint NOT NULL DEFAULT 0;
ALTER TABLE superseded ADD COLUMN subject text COLLATE "C", ADD COLUMN hops smallint NOT NULL DEFAULT 0;
ALTER TABLE quarantine ADD COLUMN subject text COLLATE "C", ADD COLUMN hops smallint NOT NULL DEFAULT 0;

-- Work of more kinds. Empty or absent where a kind has no use for a column:
--           study_uid, object_uid   destination       part        key        payload
-- route     both                    -                 -           -          -
-- deliver   both                    destination       -           -          -
-- settle    study                   -                 chain       -          -
-- analyze   study                   plugin            chain       -          token of one that waits
-- plugin    -                       plugin            its queue   its key    what it enqueued
ALTER TABLE jobs
    DROP CONSTRAINT jobs_kind_check,
    ADD CONSTRAINT jobs_kind_check CHECK (kind IN ('route', 'deliver', 'settle', 'analyze', 'plugin')),
    ADD COLUMN part text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN key text COLLATE "C",
    ADD COLUMN payload bytea,
    -- Of settle: an object arrived while the job was being done.
    ADD COLUMN touched boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT jobs_study_uid_object_uid_kind_destination_key;
CREATE UNIQUE INDEX jobs_once ON jobs (study_uid, object_uid, kind, destination, part) WHERE kind <> 'plugin';
-- Keys that are absent are not equal: a plugin may have many jobs without one.
CREATE UNIQUE INDEX jobs_of_plugins ON jobs (destination, part, key) WHERE kind = 'plugin';
