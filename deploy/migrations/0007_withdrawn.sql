-- Every judgement asks of each of its facts whether it was withdrawn; few ever are.
CREATE INDEX event_withdrawn ON event (subject) WHERE type = 'fact.withdrawn';
