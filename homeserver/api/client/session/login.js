"use strict";
(() => {
	const form = document.getElementById("login");
	const problem = document.getElementById("problem");
	const value = (id) => document.getElementById(id).value;
	const secret = ["type", "identifier", "user", "medium", "address", "password", "token", "access_token"];

	// What the client has put into the address, such as device_id.
	const request = {};
	for (const [name, text] of new URLSearchParams(window.location.search)) {
		if (!secret.includes(name)) {
			request[name] = text === "true" ? true : text;
		}
	}

	const tell = (text) => {
		problem.textContent = text || problem.dataset.failed;
		problem.hidden = false;
	};

	form.addEventListener("submit", async (event) => {
		event.preventDefault();
		problem.hidden = true;
		try {
			const answer = await fetch("/_matrix/client/v3/login", {
				method: "POST",
				headers: { "Content-Type": "application/json" },
				body: JSON.stringify({
					...request,
					type: "m.login.password",
					identifier: { type: "m.id.user", user: value("user") },
					password: value("password"),
				}),
			});
			const body = await answer.json();
			if (!answer.ok) {
				tell(body.error);
				return;
			}
			form.hidden = true;
			document.getElementById("done").hidden = false;
			if (window.matrixLogin && window.matrixLogin.onLogin) {
				window.matrixLogin.onLogin(body);
			}
		} catch {
			tell("");
		}
	});
})();
