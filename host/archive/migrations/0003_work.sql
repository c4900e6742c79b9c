-- Who sent an object, and how often it (or what it was made from) came in by the doing of a plugin.
ALTER TABLE objects ADD COLUMN subject text COLLATE "C", ADD COLUMN hops smallint NOT NULL DEFAULT 0;
ALTER TABLE superseded ADD COLUMN subject text COLLATE "C", ADD COLUMN hops smallint NOT NULL DEFAULT 0;
ALTER TABLE quarantine ADD COLUMN subject text COLLATE "C", ADD COLUMN hops smallint NOT NULL DEFAULT 0;
