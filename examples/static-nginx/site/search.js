// Filters the list as one types. Without it the page is whole, only longer.
const field = document.querySelector('#search');
const none = document.querySelector('#none');
const sections = [...document.querySelectorAll('section')];

function filter() {
  const wanted = field.value.trim().toLowerCase();
  for (const section of sections) {
    const items = [...section.querySelectorAll('li')];
    for (const item of items) item.hidden = !item.textContent.toLowerCase().includes(wanted);
    section.hidden = items.every((item) => item.hidden);
  }
  none.textContent = sections.every((section) => section.hidden) ? 'No code matches.' : '';
}

field.hidden = false;
document.querySelector('label[for=search]').hidden = false;
field.addEventListener('input', filter);
