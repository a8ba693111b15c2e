// Loads the content of the merchant's page with a session token of App Bridge, and sends its forms the same way.
"use strict";

const main = document.getElementById("main");

async function ask(path, form) {
  const options = { headers: { Authorization: "Bearer " + (await shopify.idToken()) } };
  if (form) {
    options.method = "POST";
    options.body = new URLSearchParams(new FormData(form));
  }
  const response = await fetch(path, options);
  if (!response.ok) {
    throw new Error("HTTP " + response.status);
  }
  // The server escapes everything that it did not write itself.
  main.innerHTML = await response.text();
}

function complain() {
  const text = document.createElement("p");
  text.className = "note note-bad";
  text.textContent = "That did not work. Reload the page to try again.";
  main.prepend(text);
}

main.addEventListener("submit", (event) => {
  event.preventDefault();
  for (const button of event.target.querySelectorAll("button")) {
    button.disabled = true;
  }
  ask(new URL(event.target.action).pathname, event.target).catch(complain);
});

ask("/app/shop").catch(complain);
