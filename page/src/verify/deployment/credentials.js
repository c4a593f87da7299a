/** Which credentials lie in a deployed folder, and which are left out of it (spec §14.7.5). */

/** The ids of the credentials and grants that the rights to data rest on, each once: those by which a run used it, and those that renewed rights. @param {any} run @param {string[]} renewed @returns {string[]} */
export const credentialsOf = ({ body }, renewed) =>
  [...new Set([...body.rights.flatMap((/** @type {any} */ { credential, grant }) => [credential, grant].filter((id) => id !== undefined)), ...renewed])];

/** The credentials and grants that renewed rights before a deployment was made. @param {any} deployment @returns {string[]} */
export const renewedBy = ({ body }) => body.rights.renewedBy ?? [];

/** The ids of the credentials that a deployment says are not in its folder, since they name data. @param {any} deployment @returns {Set<string>} */
export const leftOut = ({ body }) => new Set(body.credentialsLeftOut ?? []);
