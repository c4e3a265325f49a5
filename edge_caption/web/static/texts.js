/** What the page says, in each language. */
const TEXTS = {
  en: {
    skip: "Skip to the cameras", connecting: "Connecting…", connected: "Live", lost: "The connection is lost; trying again…",
    language: "Language", theme: "Theme", system: "System", light: "Light", dark: "Dark",
    cameras: "Cameras", none: "No picture yet. The first one shows here as soon as a camera is captioned.",
    on: "captioning", off: "paused", pause: "Pause", resume: "Resume", trigger: "Caption now", held: "held while you look at a word",
    words: "Words of the caption of {camera}. The arrow keys show where each was seen.",
    picture: "Newest picture of {camera}: {caption}",
    confidence: "Confidence", age: "Age", latency: "Latency", dropped: "Frames skipped",
    history: "History", search: "Search", camera: "Camera", all: "All", found: "{count} found", newest: "The newest {count}",
    health: "Health", chart: "{name}: {value} now, lowest {low}, highest {high}",
    rate: "Captions a second", memory: "Memory", waiting: "Waiting for the broker", temperature: "Temperature", processor: "Processor",
    "latency of": "Latency, {camera}", "confidence of": "Confidence, {camera}", failed: "That did not work: {reason}",
  },
  zh: {
    skip: "跳到摄像头", connecting: "正在连接…", connected: "实时", lost: "连接已断开,正在重试…",
    language: "语言", theme: "主题", system: "跟随系统", light: "浅色", dark: "深色",
    cameras: "摄像头", none: "还没有画面。摄像头有了第一句描述后,画面会显示在这里。",
    on: "正在描述", off: "已暂停", pause: "暂停", resume: "继续", trigger: "立即描述", held: "查看词语时画面停住",
    words: "{camera} 的描述中的词语。用方向键查看每个词对应的位置。",
    picture: "{camera} 的最新画面:{caption}",
    confidence: "置信度", age: "画面时间", latency: "耗时", dropped: "跳过的帧",
    history: "历史", search: "搜索", camera: "摄像头", all: "全部", found: "找到 {count} 条", newest: "最新 {count} 条",
    health: "运行状况", chart: "{name}:当前 {value},最低 {low},最高 {high}",
    rate: "每秒描述数", memory: "内存", waiting: "等待发送", temperature: "温度", processor: "处理器",
    "latency of": "耗时,{camera}", "confidence of": "置信度,{camera}", failed: "操作失败:{reason}",
  },
};

let language = "en";

/** Return a text in the language of the moment, with its {names} filled in. */
export function say(key, values = {}) {
  return (TEXTS[language][key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** Put the fixed texts below an element into the language of the moment. */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
}

/** Choose the language of the whole page. */
export function speak(chosen) {
  language = chosen in TEXTS ? chosen : "en";
  document.documentElement.lang = language;
  translate(document);
}

export function locale() {
  return language;
}
