/** Answers to the questions of an auditor: a pure function of evidence (spec §22.5, §22.6). */
import { QUESTIONS } from "../../../generated/questions.js";
import * as data from "./data.js";
import * as models from "./models.js";
import * as people from "./people.js";
import * as rights from "./rights.js";
import { answer } from "./tables.js";

/** @typedef {import("./known.js").Known} Known */

/** Id of a question to the function that finds what the evidence says to it. @type {{[id: string]: (known: Known) => import("./tables.js").Found}} */
const ANSWERERS = {
  "sources": data.sources,
  "licences": data.licences,
  "filters": data.filters,
  "dropped": data.dropped,
  "dropped-list": data.droppedList,
  "document": data.document,
  "overlap": data.overlap,
  "signers": people.signers,
  "approvals": people.approvals,
  "rule": people.rule,
  "licensed": rights.licensed,
  "revoked": rights.revoked,
  "reasons": rights.reasons,
  "impact": rights.impact,
  "deployed": rights.deployed,
  "predictions": models.predictions,
  "deliveries": rights.deliveries,
  "recipients": rights.recipients,
  "personal": data.personal,
  "missed": data.missed,
  "versions": data.versions,
  "card": people.card,
  "failed": models.failed,
  "dates": people.dates,
  "reproduced": models.reproduced,
  "rules": models.rules,
  "others": rights.others,
};

/** The answer to every question, in their order. @param {Known} known */
export const answersOf = (known) => QUESTIONS.map((question) => answer(question, ANSWERERS[question.id](known)));
