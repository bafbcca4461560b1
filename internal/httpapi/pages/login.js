// Turns a token into a session: one from the link's fragment at once, one that is
// typed when it is submitted.

const status = document.getElementById("status");
const form = document.getElementById("login");
const field = document.getElementById("token");

async function logIn(token, next) {
  status.textContent = "Logging in…";
  let answer;
  try {
    const response = await fetch("/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token, next }),
    });
    answer = await response.json();
    if (!response.ok) {
      status.textContent = answer.detail;
      return;
    }
  } catch {
    status.textContent = "The service does not answer.";
    return;
  }
  if (answer.next) {
    location.replace(answer.next);
    return;
  }
  field.value = "";
  status.textContent = `Logged in as ${[answer.role, answer.agentId].filter(Boolean).join(" ")}.`;
}

const link = new URLSearchParams(location.hash.slice(1));
const next = link.get("next") ?? "";
if (link.has("token")) {
  // Out of the address bar and the history before anything else.
  history.replaceState(null, "", location.pathname);
  logIn(link.get("token"), next);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  logIn(field.value, next);
});
