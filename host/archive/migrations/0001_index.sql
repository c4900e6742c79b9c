-- Keys start with the study UID, so that the tables can be distributed by it. Text is compared byte by byte (COLLATE "C"):
-- that is what UIDs and codes need, and it lets a plain index answer LIKE 'prefix%'. No row is updated once per object.

CREATE TABLE studies (
    study_uid text COLLATE "C" PRIMARY KEY,
    -- Person names are folded for matching: lower case, no accents, one column per component group.
    patient_name text COLLATE "C",
    patient_name_ideographic text COLLATE "C",
    patient_name_phonetic text COLLATE "C",
    patient_words text COLLATE "C",
    patient_id text COLLATE "C",
    patient_id_issuer text COLLATE "C",
    patient_birth_date date,
    patient_sex text COLLATE "C",
    study_date date,
    study_time time,
    accession_number text COLLATE "C",
    referring_name text COLLATE "C",
    referring_name_ideographic text COLLATE "C",
    referring_name_phonetic text COLLATE "C",
    referring_words text COLLATE "C",
    study_id text COLLATE "C",
    description text COLLATE "C",
    -- What is shown: DICOM JSON, as the study's first object had it.
    attributes jsonb NOT NULL
);
CREATE INDEX studies_by_date ON studies (study_date DESC NULLS LAST, study_time DESC NULLS LAST, study_uid);
CREATE INDEX studies_by_time ON studies (study_time);
CREATE INDEX studies_by_patient_name ON studies (patient_name);
CREATE INDEX studies_by_patient_name_ideographic ON studies (patient_name_ideographic) WHERE patient_name_ideographic IS NOT NULL;
CREATE INDEX studies_by_patient_name_phonetic ON studies (patient_name_phonetic) WHERE patient_name_phonetic IS NOT NULL;
CREATE INDEX studies_by_patient_id ON studies (patient_id);
CREATE INDEX studies_by_birth_date ON studies (patient_birth_date);
CREATE INDEX studies_by_accession_number ON studies (accession_number);
CREATE INDEX studies_by_referring_name ON studies (referring_name);
CREATE INDEX studies_by_referring_name_ideographic ON studies (referring_name_ideographic) WHERE referring_name_ideographic IS NOT NULL;
CREATE INDEX studies_by_referring_name_phonetic ON studies (referring_name_phonetic) WHERE referring_name_phonetic IS NOT NULL;
CREATE INDEX studies_by_study_id ON studies (study_id);
CREATE INDEX studies_by_description ON studies (description);

CREATE TABLE series (
    study_uid text COLLATE "C" NOT NULL,
    series_uid text COLLATE "C" NOT NULL,
    modality text COLLATE "C",
    series_number integer,
    description text COLLATE "C",
    series_date date,
    series_time time,
    body_part text COLLATE "C",
    laterality text COLLATE "C",
    manufacturer text COLLATE "C",
    station_name text COLLATE "C",
    institution_name text COLLATE "C",
    step_date date,
    step_time time,
    -- Of the items of the Request Attributes Sequence.
    scheduled_step_ids text[] COLLATE "C",
    requested_procedure_ids text[] COLLATE "C",
    attributes jsonb NOT NULL,
    PRIMARY KEY (study_uid, series_uid)
);
CREATE INDEX series_by_uid ON series (series_uid);
CREATE INDEX series_by_modality ON series (modality, study_uid);
CREATE INDEX series_by_step_date ON series (step_date);

CREATE TABLE objects (
    study_uid text COLLATE "C" NOT NULL,
    object_uid text COLLATE "C" NOT NULL,
    series_uid text COLLATE "C" NOT NULL,
    sop_class text COLLATE "C" NOT NULL,
    syntax text COLLATE "C" NOT NULL,
    pack uuid NOT NULL,
    pack_offset bigint NOT NULL,
    length bigint NOT NULL,
    header_length integer NOT NULL,
    digest bytea NOT NULL,
    instance_number integer,
    rows integer,
    columns integer,
    bits_allocated integer,
    frames integer,
    acquisition_number integer,
    content_date date,
    content_time time,
    timezone text COLLATE "C",
    calling_ae text COLLATE "C",
    called_ae text COLLATE "C",
    peer text COLLATE "C",
    transport text COLLATE "C" NOT NULL,
    arrived timestamptz NOT NULL,
    PRIMARY KEY (study_uid, object_uid)
);
-- The order in which a study is read.
CREATE INDEX objects_in_order ON objects (study_uid, series_uid, (coalesce(instance_number, 2147483647)), object_uid);
-- By SOP Instance UID alone; a hash, because an object is written once and this index for each of them.
CREATE INDEX objects_by_uid ON objects USING hash (object_uid);

-- What was served until another object came under the same UID.
CREATE TABLE superseded (
    study_uid text COLLATE "C" NOT NULL,
    object_uid text COLLATE "C" NOT NULL,
    series_uid text COLLATE "C" NOT NULL,
    sop_class text COLLATE "C" NOT NULL,
    syntax text COLLATE "C" NOT NULL,
    pack uuid NOT NULL,
    pack_offset bigint NOT NULL,
    length bigint NOT NULL,
    header_length integer NOT NULL,
    digest bytea NOT NULL,
    calling_ae text COLLATE "C",
    called_ae text COLLATE "C",
    peer text COLLATE "C",
    transport text COLLATE "C" NOT NULL,
    arrived timestamptz NOT NULL,
    superseded timestamptz NOT NULL DEFAULT now(),
    -- For good (policy keep-both), or until its bytes are reclaimed.
    kept boolean NOT NULL,
    PRIMARY KEY (study_uid, object_uid, pack, pack_offset)
);

-- Held for a person: not found, not served, not routed.
CREATE TABLE quarantine (
    study_uid text COLLATE "C" NOT NULL,
    object_uid text COLLATE "C" NOT NULL,
    series_uid text COLLATE "C" NOT NULL,
    sop_class text COLLATE "C" NOT NULL,
    syntax text COLLATE "C" NOT NULL,
    pack uuid NOT NULL,
    pack_offset bigint NOT NULL,
    length bigint NOT NULL,
    header_length integer NOT NULL,
    digest bytea NOT NULL,
    calling_ae text COLLATE "C",
    called_ae text COLLATE "C",
    peer text COLLATE "C",
    transport text COLLATE "C" NOT NULL,
    arrived timestamptz NOT NULL,
    plugin text,
    reason text NOT NULL,
    PRIMARY KEY (study_uid, object_uid, digest)
);
CREATE INDEX quarantine_by_arrival ON quarantine (arrived DESC);

-- The queue. A claim moves `due` to the end of its lease; a job that is done is deleted.
CREATE TABLE jobs (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    study_uid text COLLATE "C" NOT NULL,
    object_uid text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('route', 'deliver')),
    -- Empty for routing.
    destination text COLLATE "C" NOT NULL,
    priority smallint NOT NULL,
    due timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    dead boolean NOT NULL DEFAULT false,
    reason text,
    enqueued timestamptz NOT NULL DEFAULT now(),
    UNIQUE (study_uid, object_uid, kind, destination)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
CREATE INDEX jobs_due ON jobs (kind, destination, priority, due) WHERE NOT dead;
CREATE INDEX jobs_dead ON jobs (enqueued DESC) WHERE dead;
