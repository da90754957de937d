const key = document.getElementById("key");
const target = document.getElementById("target");
const answer = document.getElementById("answer");

document.getElementById("question").addEventListener("submit", async (event) => {
  event.preventDefault();
  answer.textContent = "…";
  const authorization = `Basic ${btoa(`${key.value}:X`)}`;
  try {
    // Without `omit` browsers ask for a name and a password when the key is wrong.
    const response = await fetch(target.value, { headers: { authorization }, credentials: "omit" });
    answer.textContent = `${response.status}\n${await response.text()}`;
  } catch (error) {
    answer.textContent = `No answer: ${error.message}`;
  }
});
