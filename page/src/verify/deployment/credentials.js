/** Which credentials lie in a deployed folder, and which are left out of it (spec §14.7.5). */

/** The ids of the credentials and grants that the rights of a run rest on, each once. @param {any} run @returns {string[]} */
export const credentialsOf = ({ body }) =>
  [...new Set(body.rights.flatMap((/** @type {any} */ { credential, grant }) => [credential, grant].filter((id) => id !== undefined)))];

/** The ids of the credentials that a deployment says are not in its folder, since they name data. @param {any} deployment @returns {Set<string>} */
export const leftOut = ({ body }) => new Set(body.credentialsLeftOut ?? []);
