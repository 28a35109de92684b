import "./style.css";

document.getElementById("app").textContent = `built for ${import.meta.env.MODE}, prices from ${import.meta.env.VITE_API_URL}`;
