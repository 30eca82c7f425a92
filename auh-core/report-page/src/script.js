'use strict';
(() => {
  const table = document.getElementById('table');
  if (!table) {
    return;
  }
  const form = document.getElementById('filter');
  const body = table.tBodies[0];
  const shown = document.getElementById('shown');
  const search = document.getElementById('search');
  const statuses = [...form.querySelectorAll('input[name=status]')];
  const select = (id) => document.getElementById(id);
  const order = new Intl.Collator('en', {numeric: true, sensitivity: 'base'});

  const rows = [...body.rows].map((row) => {
    const link = row.cells[0].querySelector('a');
    return {
      row,
      text: row.textContent.toLowerCase(),
      status: row.dataset.status,
      class: row.dataset.class,
      layer: row.cells[4].textContent,
      maintainer: row.cells[5].textContent,
      group: link && document.getElementById(link.hash.slice(1)),
    };
  });

  const chosen = (id) => select(id)?.value ?? '';
  const setTo = (id, value) => {
    if (select(id)) {
      select(id).value = value;
    }
  };

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(statuses.filter((box) => box.checked).map((box) => box.value));
    const choices = ['class', 'layer', 'maintainer'].map((id) => [id, chosen(id)]);
    const groups = new Map();
    let count = 0;
    for (const entry of rows) {
      const fits = wanted.has(entry.status) &&
        choices.every(([id, value]) => !value || entry[id] === value) &&
        words.every((word) => entry.text.includes(word));
      entry.row.hidden = !fits;
      count += fits;
      if (entry.group) {
        groups.set(entry.group, groups.get(entry.group) || fits);
      }
    }
    for (const [group, fits] of groups) {
      group.hidden = !fits;
    }
    shown.textContent = `${count} of ${rows.length} recipes are shown.`;
  };

  const key = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.order ?? cell.textContent;
    return cell.dataset.order && !Number.isNaN(Number(text)) ? Number(text) : text;
  };
  const compare = (a, b) => typeof a === 'number' && typeof b === 'number' ? a - b : order.compare(a, b);

  const sortBy = (header, column) => {
    const down = header.getAttribute('aria-sort') === 'ascending';
    for (const other of header.parentNode.cells) {
      other.removeAttribute('aria-sort');
    }
    header.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const keyed = rows.map((entry) => [key(entry.row, column), entry]);
    keyed.sort(([a], [b]) => compare(a, b) * (down ? -1 : 1));
    body.append(...keyed.map(([, entry]) => entry.row));
    const groups = new Set(keyed.map(([, entry]) => entry.group).filter(Boolean));
    const last = document.getElementById('all').parentNode;
    last.append(...groups);
  };

  [...table.tHead.rows[0].cells].forEach((header, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = header.textContent;
    button.addEventListener('click', () => sortBy(header, column));
    header.replaceChildren(button);
  });

  const reset = () => {
    search.value = '';
    for (const box of statuses) {
      box.checked = true;
    }
    ['class', 'layer', 'maintainer'].forEach((id) => setTo(id, ''));
    filter();
  };

  const openTarget = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (target && target.matches('details.group')) {
      if (target.hidden) {
        reset();
      }
      target.open = true;
      target.scrollIntoView();
      target.querySelector('summary').focus({preventScroll: true});
    }
  };

  form.addEventListener('input', filter);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('reset', (event) => {
    event.preventDefault();
    reset();
  });
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a');
    if (link?.dataset.pick) {
      reset();
      setTo('class', link.dataset.pick);
      filter();
    } else if (link && link.hash && link.hash === location.hash) {
      openTarget();
    }
  });
  window.addEventListener('hashchange', openTarget);

  const all = (open) => () => {
    for (const group of document.querySelectorAll('details.group:not([hidden])')) {
      group.open = open;
    }
  };
  document.getElementById('open').addEventListener('click', all(true));
  document.getElementById('close').addEventListener('click', all(false));
  document.getElementById('all').hidden = false;

  // What is up to date is mostly what fills the page, and seldom what somebody looks for.
  const others = statuses.filter((box) => box.value !== 'not tried');
  if (others.length > 0) {
    statuses.forEach((box) => {
      box.checked = box.value !== 'not tried';
    });
  }
  form.hidden = false;
  filter();
  openTarget();
})();
