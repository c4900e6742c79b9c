-- Deliveries whose destination was asked to commit itself to the object (PS3.4 Annex J): the job is done when it has.
CREATE TABLE pledges (
    job bigint NOT NULL,
    -- The destination's name.
    destination text COLLATE "C" NOT NULL,
    transaction_uid text COLLATE "C" NOT NULL,
    -- The SOP Instance UID under which the object was sent.
    object_uid text COLLATE "C" NOT NULL,
    asked timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (transaction_uid, object_uid)
);
CREATE INDEX pledges_by_time ON pledges (asked);
