// What is asked of the server, and what went wrong with it, in a sentence.

/** The answer to an address. Throws an Error with the server's sentence, a TypeError where nobody answers. */
export async function answerOf(address, signal) {
  const answer = await fetch(address, { signal, credentials: "same-origin" });
  if (!answer.ok) throw new Error(await sentenceOf(answer));
  return answer;
}

/** What went wrong, in a sentence. */
export function sentenceFor(error) {
  return error instanceof TypeError ? "The server cannot be reached. Try again." : error.message;
}

/** What the server says is wrong, or that it says nothing. */
async function sentenceOf(answer) {
  if (answer.status === 401) return "You are not signed in, or your session is over. Reload the page.";
  const told = await answer.json().catch(() => ({}));
  const sentence = told.detail ?? told.error ?? told.title;
  return typeof sentence === "string" ? sentence : `The server answered ${answer.status}. Try again.`;
}
